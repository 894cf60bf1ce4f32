#include "codec/fnv_sections.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "codec/fnv_bytes.h"

namespace framelift {

namespace {

constexpr uint16_t format_version = 1;
constexpr uint64_t max_picture_size = 65535;
constexpr uint64_t max_ratio_term = 0x7fffffff;

enum HeadFlags : uint8_t { has_display_matrix = 1, has_mastering_display = 2, has_content_light = 4 };

void put_ratio(FnvBytes& out, const Rational& ratio) {
  out.put_varint(static_cast<uint64_t>(ratio.num));
  out.put_varint(static_cast<uint64_t>(ratio.den));
}

Result<Rational> read_ratio(ByteReader& in) {
  FL_TRY(const auto num, read_varint(in, max_ratio_term));
  FL_TRY(const auto den, read_varint(in, max_ratio_term));
  return Rational{static_cast<int64_t>(num), static_cast<int64_t>(den)};
}

void put_texts(FnvBytes& out, const FnvTexts& texts) {
  out.put_varint(texts.size());
  for (const auto& [key, value] : texts) {
    out.put_text(key);
    out.put_text(value);
  }
}

Result<FnvTexts> read_texts(ByteReader& in) {
  FL_TRY(const uint64_t count, read_varint(in));
  FnvTexts texts;
  for (uint64_t i = 0; i < count; ++i) {  // each takes bytes: a false count ends at the end of the section
    FL_TRY(auto key, read_text(in));
    FL_TRY(auto value, read_text(in));
    texts.emplace_back(std::move(key), std::move(value));
  }
  return texts;
}

// The ten numbers of a mastering display, in the order of the file.
std::array<double*, 10> numbers(MasteringDisplay& display) {
  auto& p = display.primaries;
  return {&p[0][0],
          &p[0][1],
          &p[1][0],
          &p[1][1],
          &p[2][0],
          &p[2][1],
          &display.white_point[0],
          &display.white_point[1],
          &display.min_nits,
          &display.max_nits};
}

Result<HdrMetadata> read_hdr(ByteReader& in, uint8_t flags) {
  HdrMetadata hdr;
  if (flags & has_mastering_display) {
    for (double* number : numbers(hdr.mastering_display.emplace())) {
      FL_TRY(*number, in.read<double>());
    }
  }
  if (flags & has_content_light) {
    FL_TRY(const auto content, read_varint(in, max_picture_size));
    FL_TRY(const auto average, read_varint(in, max_picture_size));
    hdr.content_light = ContentLight{static_cast<int>(content), static_cast<int>(average)};
  }
  return hdr;
}

template <class Enum>
Status read_enum(ByteReader& in, Enum& value) {
  FL_TRY(const auto byte, in.read<uint8_t>());
  value = static_cast<Enum>(byte);
  return {};
}

Result<std::vector<std::byte>> inflate_body(std::span<const std::byte> body, std::string_view file) {
  ByteReader in(body, file);
  FL_TRY(const uint64_t size, read_varint(in, max_fnv_head_bytes));
  FL_TRY(const auto packed, in.take(in.remaining()));
  std::vector<std::byte> unpacked(size);
  uLongf written = size;
  if (::uncompress(reinterpret_cast<Bytef*>(unpacked.data()), &written, reinterpret_cast<const Bytef*>(packed.data()),
                   packed.size()) != Z_OK ||
      written != size)
    return fail(ErrorCode::invalid_data, "{}: the description of a network cannot be unpacked (damaged file)", file);
  return unpacked;
}

Result<TensorLayout> read_tensor_layout(ByteReader& in) {
  TensorLayout tensor;
  FL_TRY(tensor.name, read_text(in));
  FL_TRY(const auto bits, in.read<uint8_t>());
  FL_TRY(const auto axis, in.read<uint8_t>());
  FL_TRY(const auto rank, in.read<uint8_t>());
  if (rank > Shape::max_rank)
    return fail(ErrorCode::invalid_data, "{}: tensor {} has {} dimensions, at most {} are possible", in.name(),
                tensor.name, rank, Shape::max_rank);
  std::vector<int64_t> dims(rank);
  for (int64_t& dim : dims) {
    FL_TRY(dim, read_varint(in, max_stored_values));
  }
  tensor.bits = bits;
  tensor.axis = axis - 1;
  tensor.shape = Shape(dims);
  return tensor;
}

}  // namespace

std::array<std::byte, section_head_bytes> section_head(FnvSectionType type, uint64_t body_bytes) {
  std::array<std::byte, section_head_bytes> head;
  std::memcpy(head.data(), type.data(), type.size());
  std::memcpy(head.data() + type.size(), &body_bytes, sizeof body_bytes);
  return head;
}

uint32_t fnv_crc(uint32_t crc, std::span<const std::byte> bytes) {
  if (bytes.empty()) return crc;  // zlib takes a null pointer for a request to start anew
  return static_cast<uint32_t>(::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::vector<std::byte> write_head(const FnvHeader& header) {
  FnvBytes out;
  out.put(format_version);
  for (int number : {header.width, header.height, header.coded_width, header.coded_height, header.left, header.top})
    out.put_varint(static_cast<uint64_t>(number));
  out.put(header.format.family);
  for (uint8_t byte : {header.format.bits, header.format.chroma_shift_x, header.format.chroma_shift_y}) out.put(byte);
  out.put(static_cast<uint8_t>(header.format.alpha));
  out.put(header.color.matrix);
  out.put(header.color.transfer);
  out.put(header.color.primaries);
  out.put(header.color.range);
  out.put(header.color.chroma_location);
  put_ratio(out, header.sample_aspect_ratio);
  put_ratio(out, header.time_base);
  put_ratio(out, header.frame_rate);
  const auto& [mastering, light] = header.hdr;
  out.put(static_cast<uint8_t>((header.display_matrix ? has_display_matrix : 0) |
                               (mastering ? has_mastering_display : 0) | (light ? has_content_light : 0)));
  if (header.display_matrix)
    for (int32_t number : *header.display_matrix) out.put(number);
  if (mastering) {
    MasteringDisplay display = *mastering;
    for (const double* number : numbers(display)) out.put(*number);
  }
  if (light) {
    out.put_varint(static_cast<uint64_t>(light->max_content_nits));
    out.put_varint(static_cast<uint64_t>(light->max_frame_average_nits));
  }
  put_texts(out, header.metadata);
  return out.bytes();
}

Result<FnvHeader> parse_head(std::span<const std::byte> body, std::string_view file) {
  ByteReader in(body, file);
  FL_TRY(const auto version, in.read<uint16_t>());
  if (version != format_version)
    return fail(ErrorCode::unsupported,
                "{}: has version {} of the format, and only version {} can be read; update framelift", file, version,
                format_version);
  FnvHeader header;
  for (int* number :
       {&header.width, &header.height, &header.coded_width, &header.coded_height, &header.left, &header.top}) {
    FL_TRY(const auto value, read_varint(in, max_picture_size));
    *number = static_cast<int>(value);
  }
  FL_CHECK(read_enum(in, header.format.family));
  for (uint8_t* byte : {&header.format.bits, &header.format.chroma_shift_x, &header.format.chroma_shift_y}) {
    FL_TRY(*byte, in.read<uint8_t>());
  }
  FL_TRY(const auto alpha, in.read<uint8_t>());
  header.format.alpha = alpha != 0;
  FL_CHECK(read_enum(in, header.color.matrix));
  FL_CHECK(read_enum(in, header.color.transfer));
  FL_CHECK(read_enum(in, header.color.primaries));
  FL_CHECK(read_enum(in, header.color.range));
  FL_CHECK(read_enum(in, header.color.chroma_location));
  FL_TRY(header.sample_aspect_ratio, read_ratio(in));
  FL_TRY(header.time_base, read_ratio(in));
  FL_TRY(header.frame_rate, read_ratio(in));
  FL_TRY(const auto flags, in.read<uint8_t>());
  if (flags & has_display_matrix) {
    for (int32_t& number : header.display_matrix.emplace()) {
      FL_TRY(number, in.read<int32_t>());
    }
  }
  FL_TRY(header.hdr, read_hdr(in, flags));
  FL_TRY(header.metadata, read_texts(in));
  FL_CHECK(check_header(header, file));
  return header;
}

Status check_header(const FnvHeader& header, std::string_view file) {
  const auto size_ok = [](int n) { return n >= 1 && static_cast<uint64_t>(n) <= max_picture_size; };
  const auto fits = [](int offset, int size, int coded) { return offset >= 0 && offset <= coded - size; };
  if (!size_ok(header.width) || !size_ok(header.height) || !size_ok(header.coded_width) ||
      !size_ok(header.coded_height) || !fits(header.left, header.width, header.coded_width) ||
      !fits(header.top, header.height, header.coded_height))
    return fail(ErrorCode::invalid_data, "{}: a picture of {}x{} at {},{} of {}x{} is impossible", file, header.width,
                header.height, header.left, header.top, header.coded_width, header.coded_height);
  const PixelFormat& format = header.format;
  if (format.family > ColorFamily::gray || format.bits < 8 || format.bits > 16 || format.chroma_shift_x > 1 ||
      format.chroma_shift_y > 1 ||
      (format.family != ColorFamily::yuv && (format.chroma_shift_x > 0 || format.chroma_shift_y > 0)))
    return fail(ErrorCode::invalid_data, "{}: the pixel format is impossible", file);
  if (header.hdr.mastering_display) {
    MasteringDisplay display = *header.hdr.mastering_display;
    for (const double* number : numbers(display))
      if (!std::isfinite(*number) || *number < 0)
        return fail(ErrorCode::invalid_data, "{}: the mastering display has impossible values", file);
  }
  if (const auto& light = header.hdr.content_light;
      light && (light->max_content_nits < 0 || light->max_frame_average_nits < 0))
    return fail(ErrorCode::invalid_data, "{}: the content light levels are negative", file);
  const auto ratio_ok = [](const Rational& r, int64_t least) {
    return r.num >= least && r.den >= 1 && std::max(r.num, r.den) <= static_cast<int64_t>(max_ratio_term);
  };
  if (!ratio_ok(header.sample_aspect_ratio, 0) || !ratio_ok(header.time_base, 1) || !ratio_ok(header.frame_rate, 0))
    return fail(ErrorCode::invalid_data, "{}: aspect ratio, time base or frame rate are impossible", file);
  return {};
}

Result<std::vector<std::byte>> write_network(const FnvNetwork& network, std::string_view file) {
  FnvBytes text;
  put_texts(text, network.configuration);
  text.put_varint(network.layout.size());
  for (const TensorLayout& tensor : network.layout) {
    text.put_text(tensor.name);
    text.put(static_cast<uint8_t>(tensor.bits));
    text.put(static_cast<uint8_t>(tensor.axis + 1));
    text.put(static_cast<uint8_t>(tensor.shape.rank()));
    for (int64_t dim : tensor.shape.dims()) text.put_varint(static_cast<uint64_t>(dim));
  }
  const auto& plain = text.bytes();
  if (plain.size() > max_fnv_head_bytes)
    return fail(ErrorCode::invalid_argument, "{}: the network's names and configuration have more than {} bytes", file,
                max_fnv_head_bytes);
  uLongf size = ::compressBound(plain.size());
  std::vector<std::byte> packed(size);
  ::compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(plain.data()),
              plain.size(), Z_BEST_COMPRESSION);  // cannot fail: the bound is kept
  FnvBytes out;
  out.put_varint(plain.size());
  out.put_bytes(std::span(packed).first(size));
  return out.bytes();
}

Result<FnvNetwork> parse_network(std::span<const std::byte> body, std::string_view file) {
  FL_TRY(const auto plain, inflate_body(body, file));
  ByteReader in(plain, file);
  FnvNetwork network;
  FL_TRY(network.configuration, read_texts(in));
  FL_TRY(const uint64_t count, read_varint(in));
  for (uint64_t i = 0; i < count; ++i) {
    FL_TRY(auto tensor, read_tensor_layout(in));
    network.layout.push_back(std::move(tensor));
  }
  FL_CHECK(check_layout(network.layout, file));
  return network;
}

// Runs of frames alike: count, duration, and the gap between the end of each and the start of the next.
std::vector<std::byte> write_group_start(uint64_t network, std::span<const FnvFrameTime> times) {
  FnvBytes out;
  out.put_varint(network);
  out.put_varint(times.size());
  out.put_signed(times.front().pts);
  const auto gap_after = [&](size_t i) {
    return i + 1 < times.size() ? times[i + 1].pts - times[i].pts - times[i].duration : 0;
  };
  for (size_t i = 0; i < times.size();) {
    size_t end = i + 1;
    while (end < times.size() && times[end].duration == times[i].duration && gap_after(end) == gap_after(i)) ++end;
    out.put_varint(end - i);
    out.put_varint(static_cast<uint64_t>(times[i].duration));
    out.put_signed(gap_after(i));
    i = end;
  }
  return out.bytes();
}

Result<FnvGroupStart> parse_group_start(ByteReader& in) {
  FnvGroupStart group;
  FL_TRY(group.network, read_varint(in));
  FL_TRY(const uint64_t count, read_varint(in, max_group_frames));
  FL_TRY(int64_t pts, read_signed(in));
  while (group.times.size() < count) {
    FL_TRY(const uint64_t run, read_varint(in, count - group.times.size()));
    FL_TRY(const uint64_t duration, read_varint(in, max_fnv_time));
    FL_TRY(const int64_t gap, read_signed(in));
    if (run == 0 || std::abs(gap) > 2 * max_fnv_time)
      return fail(ErrorCode::invalid_data, "{}: the times of a group are impossible (damaged file)", in.name());
    for (uint64_t i = 0; i < run && std::abs(pts) <= max_fnv_time; ++i) {
      group.times.push_back({pts, static_cast<int64_t>(duration)});
      pts += static_cast<int64_t>(duration) + gap;
    }
    if (group.times.size() < count && std::abs(pts) > max_fnv_time) break;
  }
  FL_CHECK(check_times(group.times, in.name()));
  if (group.times.size() != count)
    return fail(ErrorCode::invalid_data, "{}: the times of a group are too large (damaged file)", in.name());
  return group;
}

Status check_times(std::span<const FnvFrameTime> times, std::string_view file) {
  if (times.empty() || times.size() > max_group_frames)
    return fail(ErrorCode::invalid_data, "{}: a group has {} frames; 1 to {} are possible", file, times.size(),
                max_group_frames);
  for (size_t i = 0; i < times.size(); ++i)
    if (std::abs(times[i].pts) > max_fnv_time || times[i].duration < 0 || times[i].duration > max_fnv_time ||
        (i > 0 && times[i].pts < times[i - 1].pts))
      return fail(ErrorCode::invalid_data, "{}: the times of a group's frame {} are impossible", file, i);
  return {};
}

FnvIndexEntry group_entry(uint64_t network, std::span<const FnvFrameTime> times) {
  FnvIndexEntry entry;
  entry.type = fnv_group;
  entry.network = network;
  entry.frame_count = times.size();
  entry.first_pts = times.front().pts;
  entry.end_pts = times.back().pts + times.back().duration;
  return entry;
}

std::vector<std::byte> write_index(std::span<const FnvIndexEntry> entries) {
  FnvBytes out;
  out.put_varint(entries.size());
  for (const FnvIndexEntry& entry : entries) {
    out.put(entry.type);
    out.put_varint(entry.offset);
    out.put_varint(entry.body_bytes);
    if (entry.type == fnv_group) {
      out.put_varint(entry.network);
      out.put_varint(entry.frame_count);
      out.put_signed(entry.first_pts);
      out.put_signed(entry.end_pts);
    } else if (entry.type == fnv_auxiliary) {
      out.put_text(entry.kind);
    }
  }
  return out.bytes();
}

Result<std::vector<FnvIndexEntry>> parse_index(std::span<const std::byte> body, std::string_view file) {
  ByteReader in(body, file);
  FL_TRY(const uint64_t count, read_varint(in));
  std::vector<FnvIndexEntry> entries;
  for (uint64_t i = 0; i < count; ++i) {
    FnvIndexEntry entry;
    FL_TRY(entry.type, in.read<FnvSectionType>());
    FL_TRY(entry.offset, read_varint(in));
    FL_TRY(entry.body_bytes, read_varint(in));
    if (entry.type == fnv_group) {
      FL_TRY(entry.network, read_varint(in));
      FL_TRY(entry.frame_count, read_varint(in, max_group_frames));
      FL_TRY(entry.first_pts, read_signed(in));
      FL_TRY(entry.end_pts, read_signed(in));
    } else if (entry.type == fnv_auxiliary) {
      FL_TRY(entry.kind, read_text(in));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace framelift
