// The bodies of .fnv sections, as bytes and back (docs/fnv-format.md, "Sections").
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"
#include "codec/fnv.h"

namespace framelift {

using FnvSectionType = std::array<char, 4>;
inline constexpr FnvSectionType fnv_head = {'H', 'E', 'A', 'D'};
inline constexpr FnvSectionType fnv_network = {'N', 'E', 'T', 'W'};
inline constexpr FnvSectionType fnv_group = {'G', 'R', 'U', 'P'};
inline constexpr FnvSectionType fnv_auxiliary = {'A', 'U', 'X', 'I'};
inline constexpr FnvSectionType fnv_index = {'I', 'N', 'D', 'X'};
inline constexpr FnvSectionType fnv_tail = {'T', 'A', 'I', 'L'};
inline constexpr std::array<FnvSectionType, 4> fnv_indexed = {fnv_head, fnv_network, fnv_group, fnv_auxiliary};

inline constexpr std::array<uint8_t, 8> fnv_signature = {0x89, 'F', 'N', 'V', '\r', '\n', 0x1a, '\n'};

// Before the body: type and size. After it: CRC-32 of type, size and body.
inline constexpr uint64_t section_head_bytes = 12, section_crc_bytes = 4;
inline constexpr uint64_t section_frame_bytes = section_head_bytes + section_crc_bytes;
inline constexpr uint64_t tail_body_bytes = 8;
inline constexpr uint64_t max_fnv_head_bytes = uint64_t{1} << 20;  // HEAD, and what NETW unpacks to
inline constexpr uint64_t max_fnv_body_bytes = uint64_t{1} << 30;  // GRUP, INDX

std::array<std::byte, section_head_bytes> section_head(FnvSectionType type, uint64_t body_bytes);
// Of more bytes after those that gave `crc`; 0 to begin with. CRC-32 as in ISO-HDLC, zlib and PNG.
uint32_t fnv_crc(uint32_t crc, std::span<const std::byte> bytes);

std::vector<std::byte> write_head(const FnvHeader& header);
Result<FnvHeader> parse_head(std::span<const std::byte> body, std::string_view file);
// Errors: invalid_data, for a header that no file may have.
Status check_header(const FnvHeader& header, std::string_view file);

// Errors: invalid_argument when it would unpack to more than max_fnv_head_bytes.
Result<std::vector<std::byte>> write_network(const FnvNetwork& network, std::string_view file);
Result<FnvNetwork> parse_network(std::span<const std::byte> body, std::string_view file);

// Everything in a group before the tensor data.
struct FnvGroupStart {
  uint64_t network = 0;  // the number of the NETW section, from 0
  std::vector<FnvFrameTime> times;
};
std::vector<std::byte> write_group_start(uint64_t network, std::span<const FnvFrameTime> times);
Result<FnvGroupStart> parse_group_start(ByteReader& reader);
// 1 to max_group_frames frames, within max_fnv_time, none before its predecessor. Errors: invalid_data.
Status check_times(std::span<const FnvFrameTime> times, std::string_view file);

// One line of the index.
struct FnvIndexEntry {
  FnvSectionType type{};
  uint64_t offset = 0;  // of the section in the file
  uint64_t body_bytes = 0;
  // GRUP
  uint64_t network = 0;
  uint64_t frame_count = 0;
  int64_t first_pts = 0, end_pts = 0;  // of the first frame; where the last one ends
  // AUXI
  std::string kind;
};
std::vector<std::byte> write_index(std::span<const FnvIndexEntry> entries);
Result<std::vector<FnvIndexEntry>> parse_index(std::span<const std::byte> body, std::string_view file);

// first pts, and the last one with its duration.
FnvIndexEntry group_entry(uint64_t network, std::span<const FnvFrameTime> times);

}  // namespace framelift
