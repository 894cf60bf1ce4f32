// The building bricks of .fnv sections: little-endian numbers, varints (LEB128), texts.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"

namespace framelift {

class FnvBytes {
 public:
  template <class T>
  void put(T value) {
    const auto* raw = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), raw, raw + sizeof value);
  }
  void put_varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) put(static_cast<uint8_t>(value | 0x80));
    put(static_cast<uint8_t>(value));
  }
  // Small numbers of either sign take few bytes: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...
  void put_signed(int64_t value) { put_varint(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63)); }
  void put_text(std::string_view text) {
    put_varint(text.size());
    put_bytes(std::as_bytes(std::span(text)));
  }
  void put_bytes(std::span<const std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// At most `largest`. Errors: invalid_data.
inline Result<uint64_t> read_varint(ByteReader& reader, uint64_t largest = std::numeric_limits<uint64_t>::max()) {
  const size_t start = reader.position();
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    FL_TRY(const auto byte, reader.read<uint8_t>());
    const uint64_t part = byte & 0x7f;
    if (shift == 63 && part > 1) break;
    value |= part << shift;
    if (byte >= 0x80) continue;
    if (value <= largest) return value;
    break;
  }
  return fail(ErrorCode::invalid_data, "{}: the number at byte {} of a section is too large (damaged file)",
              reader.name(), start);
}

inline Result<int64_t> read_signed(ByteReader& reader) {
  FL_TRY(const uint64_t value, read_varint(reader));
  return static_cast<int64_t>(value >> 1 ^ (~(value & 1) + 1));
}

inline Result<std::string> read_text(ByteReader& reader) {
  FL_TRY(const uint64_t size, read_varint(reader));
  FL_TRY(const auto text, reader.take_text(size));
  return std::string(text);
}

}  // namespace framelift
