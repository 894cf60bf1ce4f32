// Reading members of a zip file held in memory (PyTorch checkpoints, Python wheels), through libzip.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct zip;

namespace framelift {

class ZipArchive {
 public:
  // `bytes` must outlive the archive; `name` opens error messages.
  static Result<ZipArchive> open(std::span<const std::byte> bytes, std::string_view name);

  // Names of all members, in the archive's order.
  const std::vector<std::string>& members() const { return members_; }
  bool contains(std::string_view member) const;
  // A whole member, decompressed and checked against its CRC. Refused when larger than `limit` bytes.
  Result<std::vector<std::byte>> read(const std::string& member, uint64_t limit) const;

 private:
  struct Discard {
    void operator()(zip* archive) const;
  };
  std::unique_ptr<zip, Discard> archive_;
  std::string name_;
  std::vector<std::string> members_;
};

}  // namespace framelift
