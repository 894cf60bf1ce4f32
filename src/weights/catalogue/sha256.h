// SHA-256 of files and of what is in memory: to know that a weight file is the one the catalogue means, that a
// checkpoint is whole, that a data set is the same.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct evp_md_ctx_st;

namespace framelift {

class Sha256 {
 public:
  Sha256();
  void add(std::span<const std::byte> bytes);
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  // 64 lower-case hexadecimal digits. Call once.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Of a file's content. Errors: not_found, io.
Result<std::string> sha256_file(const std::filesystem::path& path);

}  // namespace framelift
