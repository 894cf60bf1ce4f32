#include "train/run/event_file.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>

namespace framelift {
namespace {

constexpr std::array<uint32_t, 256> make_table() {
  constexpr uint32_t reversed_polynomial = 0x82f63b78;
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? (c >> 1) ^ reversed_polynomial : c >> 1;
    table[i] = c;
  }
  return table;
}
constexpr std::array<uint32_t, 256> table = make_table();

template <class T>
void append(std::string& bytes, T value) {
  std::array<char, sizeof(T)> raw;
  std::memcpy(raw.data(), &value, sizeof(T));
  bytes.append(raw.data(), raw.size());
}

void append_varint(std::string& bytes, uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  bytes += static_cast<char>(value);
}

// Wire types of protocol buffers.
enum class Wire : uint8_t { varint = 0, fixed64 = 1, length = 2, fixed32 = 5 };

void append_key(std::string& bytes, int field, Wire wire) {
  append_varint(bytes, static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(wire));
}

void append_bytes(std::string& bytes, int field, std::string_view content) {
  append_key(bytes, field, Wire::length);
  append_varint(bytes, content.size());
  bytes += content;
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// Event.wall_time = 1; Event.step = 2; Event.file_version = 3; Event.summary = 5.
std::string event(int64_t step) {
  std::string bytes;
  append_key(bytes, 1, Wire::fixed64);
  append(bytes, now());
  append_key(bytes, 2, Wire::varint);
  append_varint(bytes, static_cast<uint64_t>(step));
  return bytes;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t c = ~0u;
  for (const char byte : bytes) c = table[(c ^ static_cast<unsigned char>(byte)) & 0xff] ^ (c >> 8);
  return ~c;
}

uint32_t masked_crc32c(std::string_view bytes) {
  const uint32_t c = crc32c(bytes);
  return ((c >> 15) | (c << 17)) + 0xa282ead8u;
}

Result<EventFile> EventFile::create(const std::filesystem::path& folder) {
  EventFile events;
  events.path_ = folder / fmt::format("events.out.tfevents.{:010}.framelift.{}", static_cast<int64_t>(now()), getpid());
  events.file_.open(events.path_, std::ios::binary | std::ios::app);
  if (!events.file_)
    return fail(ErrorCode::io, "{}: cannot be created ({}); check the folder", events.path_.string(),
                std::strerror(errno));
  std::string first = event(0);
  append_bytes(first, 3, "brain.Event:2");
  FL_CHECK(events.write(first));
  return events;
}

Status EventFile::add_scalar(std::string_view tag, int64_t step, double value) {
  // Summary.value = 1; Summary.Value.tag = 1, .simple_value = 2.
  std::string scalar, summary, whole = event(step);
  append_bytes(scalar, 1, tag);
  append_key(scalar, 2, Wire::fixed32);
  append(scalar, static_cast<float>(value));
  append_bytes(summary, 1, scalar);
  append_bytes(whole, 5, summary);
  return write(whole);
}

Status EventFile::write(std::string_view event_bytes) {
  std::string record;
  append(record, static_cast<uint64_t>(event_bytes.size()));
  append(record, masked_crc32c(record));
  record += event_bytes;
  append(record, masked_crc32c(event_bytes));
  if (!(file_ << record << std::flush))
    return fail(ErrorCode::io, "{}: cannot be written; check the free space", path_.string());
  return {};
}

}  // namespace framelift
