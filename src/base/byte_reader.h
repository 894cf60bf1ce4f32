// Bounds-checked little-endian reading of untrusted bytes: the only way file parsers touch a file's content.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/result.h"

namespace framelift {

static_assert(std::endian::native == std::endian::little, "framelift reads little-endian formats in place");

// Non-owning cursor over bytes. `name` (a file's name) opens every error message; both must outlive the reader.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }
  std::string_view name() const { return name_; }

  // Reads one trivially copyable little-endian value.
  template <class T>
  requires std::is_trivially_copyable_v<T> Result<T> read() {
    FL_TRY(auto raw, take(sizeof(T)));
    T value;
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  // The next `count` bytes, as a view into the underlying memory.
  Result<std::span<const std::byte>> take(uint64_t count) {
    if (count > remaining())
      return fail(ErrorCode::invalid_data, "{}: truncated, {} bytes wanted at offset {} but {} are left", name_, count,
                  position_, remaining());
    auto view = bytes_.subspan(position_, static_cast<size_t>(count));
    position_ += static_cast<size_t>(count);
    return view;
  }

  Result<std::string_view> take_text(uint64_t count) {
    FL_TRY(auto raw, take(count));
    return std::string_view(reinterpret_cast<const char*>(raw.data()), raw.size());
  }

  // The bytes up to (without) the next '\n', which is consumed.
  Result<std::string_view> take_line() {
    std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_, remaining());
    size_t end = rest.find('\n');
    if (end == std::string_view::npos)
      return fail(ErrorCode::invalid_data, "{}: truncated, a line does not end at offset {}", name_, position_);
    position_ += end + 1;
    return rest.substr(0, end);
  }

  Status seek(uint64_t position) {
    if (position > bytes_.size())
      return fail(ErrorCode::invalid_data, "{}: offset {} lies beyond the end ({} bytes)", name_, position,
                  bytes_.size());
    position_ = static_cast<size_t>(position);
    return {};
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view name_;
  size_t position_ = 0;
};

}  // namespace framelift
