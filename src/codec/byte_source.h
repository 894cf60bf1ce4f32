// Bytes that are read by their place: a file, or memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace framelift {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;
  virtual const std::string& name() const = 0;  // for messages
  // Fills `out` from `offset`. Errors: io; invalid_data when not all of it lies within the bytes.
  virtual Status read(uint64_t offset, std::span<std::byte> out) const = 0;
};

// A regular file. Errors: not_found, io, invalid_argument.
Result<std::unique_ptr<ByteSource>> open_file_source(const std::filesystem::path& path);

// Non-owning: the bytes outlive the source.
std::unique_ptr<ByteSource> memory_source(std::span<const std::byte> bytes, std::string name);

}  // namespace framelift
