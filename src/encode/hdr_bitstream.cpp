#include "encode/hdr_bitstream.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

namespace framelift {
namespace {

using Bytes = std::span<const uint8_t>;
using Buffer = std::vector<uint8_t>;

void append(Buffer& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void put_big_endian(Buffer& out, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

uint64_t fixed(double value, double scale, double top) {
  return static_cast<uint64_t>(std::llround(std::clamp(value * scale, 0.0, top)));
}
constexpr double top16 = 65535, top32 = 4294967295.0;

void put_content_light(Buffer& out, const ContentLight& light) {
  put_big_endian(out, fixed(light.max_content_nits, 1, top16), 2);
  put_big_endian(out, fixed(light.max_frame_average_nits, 1, top16), 2);
}

// ---- HEVC (ITU-T H.265) and H.264: NAL units ----

constexpr unsigned sei_mastering_display = 137, sei_content_light = 144;

// What differs between the two.
struct NalSyntax {
  size_t header_bytes;
  uint8_t sei_type;
  uint8_t sei_header[2];
  uint8_t type(uint8_t first) const {
    return static_cast<uint8_t>(header_bytes == 2 ? (first >> 1) & 0x3f : first & 0x1f);
  }
  bool is_picture(uint8_t type) const { return header_bytes == 2 ? type < 32 : type >= 1 && type <= 5; }
};
constexpr NalSyntax hevc_syntax{2, 39, {39 << 1, 1}}, h264_syntax{1, 6, {6, 0}};

// Where the next start code (00 00 01) begins; the end when there is none.
size_t find_start_code(Bytes bytes, size_t from) {
  for (size_t i = from; i + 3 <= bytes.size(); ++i)
    if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1) return i;
  return bytes.size();
}

// Section 7.4.2: no three bytes 00 00 00..03 within a NAL unit; 03 is put between.
void put_escaped(Buffer& out, Bytes payload) {
  int zeros = 0;
  for (const uint8_t byte : payload) {
    if (zeros >= 2 && byte <= 3) {
      out.push_back(3);
      zeros = 0;
    }
    out.push_back(byte);
    zeros = byte == 0 ? zeros + 1 : 0;
  }
}

void unescape(Bytes nal, Buffer& out) {
  out.clear();
  int zeros = 0;
  for (const uint8_t byte : nal) {
    if (zeros >= 2 && byte == 3) {
      zeros = 0;
      continue;
    }
    out.push_back(byte);
    zeros = byte == 0 ? zeros + 1 : 0;
  }
}

// A number as SEI messages code it: 255 as often as it goes in, then the rest.
std::optional<size_t> take_sei_number(Bytes& bytes) {
  size_t value = 0;
  while (!bytes.empty()) {
    const uint8_t byte = bytes[0];
    bytes = bytes.subspan(1);
    value += byte;
    if (byte != 255) return value;
  }
  return std::nullopt;
}

// The messages of an SEI RBSP that stay. Nothing when it is malformed.
struct KeptMessages {
  Buffer bytes;
  bool dropped = false;
};
std::optional<KeptMessages> keep_other_messages(Bytes rbsp) {
  KeptMessages kept;
  // rbsp_trailing_bits: 80, and in careless streams zeros behind it.
  while (!rbsp.empty() && rbsp.back() == 0) rbsp = rbsp.first(rbsp.size() - 1);
  while (!(rbsp.size() == 1 && rbsp[0] == 0x80)) {
    const Bytes message = rbsp;
    const auto type = take_sei_number(rbsp);
    const auto size = type ? take_sei_number(rbsp) : std::nullopt;
    if (!size || *size >= rbsp.size()) return std::nullopt;  // at least the trailing bits follow
    rbsp = rbsp.subspan(*size);
    if (*type == sei_mastering_display || *type == sei_content_light)
      kept.dropped = true;
    else
      append(kept.bytes, message.first(message.size() - rbsp.size()));
  }
  return kept;
}

void put_sei_nal(const NalSyntax& syntax, Buffer& messages, Buffer& out) {
  messages.push_back(0x80);
  append(out, {syntax.sei_header, syntax.header_bytes});
  put_escaped(out, messages);
}

// Sections D.2.28 and D.2.35 of H.265, D.1.29 and D.1.31 of H.264.
Buffer sei_messages(const HdrMetadata& metadata) {
  Buffer out;
  if (const auto& display = metadata.mastering_display) {
    out = {sei_mastering_display, 24};
    const auto put_xy = [&](const std::array<double, 2>& xy) {
      for (double v : xy) put_big_endian(out, fixed(v, 50000, top16), 2);
    };
    for (size_t primary : {1, 2, 0}) put_xy(display->primaries[primary]);  // green, blue, red
    put_xy(display->white_point);
    put_big_endian(out, fixed(display->max_nits, 10000, top32), 4);
    put_big_endian(out, fixed(display->min_nits, 10000, top32), 4);
  }
  if (const auto& light = metadata.content_light) {
    out.push_back(sei_content_light);
    out.push_back(4);
    put_content_light(out, *light);
  }
  return out;
}

bool rewrite_nals(const NalSyntax& syntax, Bytes packet, const HdrMetadata& metadata, Buffer& out) {
  Buffer messages = sei_messages(metadata), rbsp;
  constexpr uint8_t start_code[] = {0, 0, 0, 1};
  size_t begin = find_start_code(packet, 0);
  append(out, packet.first(begin));
  // Copied piece by piece, each from its start code to the next one. Zeros before a start code belong to it
  // (zero_byte, trailing_zero_8bits), and so to the piece before: they go where that piece goes.
  while (begin < packet.size()) {
    const Bytes piece = packet.subspan(begin);
    if (piece.size() <= 3 + syntax.header_bytes) break;
    const uint8_t type = syntax.type(piece[3]);
    if (syntax.is_picture(type)) {
      const bool written = !messages.empty();
      if (written) {
        append(out, start_code);
        put_sei_nal(syntax, messages, out);
      }
      append(out, piece);
      return written;
    }
    const size_t end = begin + find_start_code(piece, 3);
    size_t nal_end = end;
    while (nal_end > begin + 3 && packet[nal_end - 1] == 0) --nal_end;
    std::optional<KeptMessages> kept;
    if (type == syntax.sei_type && nal_end > begin + 3 + syntax.header_bytes) {
      unescape(packet.subspan(begin + 3 + syntax.header_bytes, nal_end - begin - 3 - syntax.header_bytes), rbsp);
      kept = keep_other_messages(rbsp);
    }
    if (!kept || !kept->dropped) {
      append(out, packet.subspan(begin, end - begin));
    } else {
      if (!kept->bytes.empty()) {
        append(out, packet.subspan(begin, 3 + syntax.header_bytes));
        kept->bytes.push_back(0x80);
        put_escaped(out, kept->bytes);
      }
      append(out, packet.subspan(nal_end, end - nal_end));
    }
    begin = end;
  }
  append(out, packet.subspan(begin));
  return false;
}

// ---- AV1: open bitstream units ----

enum ObuType : uint8_t { obu_sequence_header = 1, obu_temporal_delimiter = 2, obu_metadata = 5, obu_padding = 15 };
enum MetadataType : uint8_t { metadata_content_light = 1, metadata_mastering_display = 2 };

std::optional<uint64_t> take_leb128(Bytes& bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < 8 && i < bytes.size(); ++i) {
    value |= uint64_t{bytes[i] & 0x7fu} << (7 * i);
    if (!(bytes[i] & 0x80)) {
      bytes = bytes.subspan(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

// A metadata OBU; its payload and trailing bits make less than 128 bytes, so that the size takes one.
void put_metadata_obu(Buffer& out, MetadataType type, const Buffer& payload) {
  out.push_back(obu_metadata << 3 | 0x02);  // with a size
  out.push_back(static_cast<uint8_t>(payload.size() + 2));
  out.push_back(type);
  append(out, payload);
  out.push_back(0x80);
}

// Sections 5.8.3 and 5.8.4.
Buffer metadata_obus(const HdrMetadata& metadata) {
  Buffer out, payload;
  if (const auto& light = metadata.content_light) {
    put_content_light(payload, *light);
    put_metadata_obu(out, metadata_content_light, payload);
  }
  if (const auto& display = metadata.mastering_display) {
    payload.clear();
    const auto put_xy = [&](const std::array<double, 2>& xy) {
      for (double v : xy) put_big_endian(payload, fixed(v, 65536, top16), 2);
    };
    for (const auto& primary : display->primaries) put_xy(primary);
    put_xy(display->white_point);
    put_big_endian(payload, fixed(display->max_nits, 256, top32), 4);
    put_big_endian(payload, fixed(display->min_nits, 16384, top32), 4);
    put_metadata_obu(out, metadata_mastering_display, payload);
  }
  return out;
}

bool rewrite_obus(Bytes packet, const HdrMetadata& metadata, Buffer& out) {
  const Buffer obus = metadata_obus(metadata);
  Bytes rest = packet;
  while (!rest.empty()) {
    const uint8_t header = rest[0], type = header >> 3 & 15;
    const bool has_extension = header & 4, has_size = header & 2;
    Bytes body = rest.subspan(1);
    if ((header & 0x80) || !has_size || (has_extension && body.empty())) break;
    if (has_extension) body = body.subspan(1);
    const auto size = take_leb128(body);
    if (!size || *size > body.size()) break;
    if (type != obu_sequence_header && type != obu_temporal_delimiter && type != obu_metadata && type != obu_padding) {
      append(out, obus);
      append(out, rest);
      return !obus.empty();
    }
    const Bytes payload = body.first(static_cast<size_t>(*size));
    const Bytes whole = rest.first(rest.size() - body.size() + payload.size());
    const bool is_ours = type == obu_metadata && !payload.empty() &&
                         (payload[0] == metadata_content_light || payload[0] == metadata_mastering_display);
    if (!is_ours) append(out, whole);
    rest = rest.subspan(whole.size());
  }
  append(out, rest);
  return false;
}

}  // namespace

bool rewrite_hdr_metadata(HdrBitstream kind, Bytes packet, const HdrMetadata& metadata, Buffer& out) {
  out.clear();
  out.reserve(packet.size() + 128);
  switch (kind) {
    case HdrBitstream::hevc: return rewrite_nals(hevc_syntax, packet, metadata, out);
    case HdrBitstream::h264: return rewrite_nals(h264_syntax, packet, metadata, out);
    case HdrBitstream::av1: return rewrite_obus(packet, metadata, out);
  }
  return false;
}

bool insert_png_cicp(Bytes png, const ColorInfo& color, Buffer& out) {
  constexpr uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  constexpr size_t header_end = sizeof signature + 25;  // IHDR: length, type, 13 bytes, CRC
  constexpr std::string_view type = "cICP";
  if (png.size() < header_end || !std::ranges::equal(png.first(sizeof signature), signature)) return false;
  const Bytes chunks = png.first(std::min<size_t>(png.size(), 4096));  // those before the picture
  if (std::search(chunks.begin(), chunks.end(), type.begin(), type.end()) != chunks.end()) return false;
  out.clear();
  out.reserve(png.size() + 16);
  append(out, png.first(header_end));
  put_big_endian(out, 4, 4);
  const size_t begin = out.size();
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), {static_cast<uint8_t>(color.primaries), static_cast<uint8_t>(color.transfer),
                         static_cast<uint8_t>(color.matrix), color.range == ColorRange::full});
  uint32_t crc = 0xffffffff;  // ISO 3309, as PNG wants it
  for (size_t i = begin; i < out.size(); ++i) {
    crc ^= out[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  put_big_endian(out, crc ^ 0xffffffff, 4);
  append(out, png.subspan(header_end));
  return true;
}

}  // namespace framelift
