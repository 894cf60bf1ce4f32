#include "decode/ffmpeg/pixel_layout.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <bit>
#include <cstring>

namespace framelift {
namespace {

bool has(const AVPixFmtDescriptor& d, uint64_t flag) { return (d.flags & flag) != 0; }

bool is_gray(const AVPixFmtDescriptor& d) {
  return !has(d, AV_PIX_FMT_FLAG_RGB) && !has(d, AV_PIX_FMT_FLAG_PAL) && d.nb_components <= 2;
}

// Whether every component is a byte, or a 16-bit word, at a fixed step; what is left (565, mono, pal8, 10 bits inside
// a 32-bit word) is read through FFmpeg's generic and slower accessor.
bool byte_aligned(const AVPixFmtDescriptor& d) {
  if (has(d, AV_PIX_FMT_FLAG_BITSTREAM) || has(d, AV_PIX_FMT_FLAG_PAL)) return false;
  for (int c = 0; c < d.nb_components; ++c) {
    const AVComponentDescriptor& comp = d.comp[c];
    if (comp.depth < 8 || comp.depth > 16) return false;
    if (comp.depth == 8 && comp.shift == 0) continue;
    if (comp.depth + comp.shift > 16 || comp.step % 2 || comp.offset % 2) return false;
  }
  return true;
}

template <class Destination>
void read_bytes(const uint8_t* source, int step, Destination* out, int count) {
  for (int x = 0; x < count; ++x) out[x] = source[x * step];
}

template <bool big_endian>
void read_words(const uint8_t* source, int step, int shift, int mask, uint16_t* out, int count) {
  for (int x = 0; x < count; ++x) {
    uint16_t word;
    std::memcpy(&word, source + x * step, 2);
    if constexpr (big_endian) word = static_cast<uint16_t>(word << 8 | word >> 8);
    out[x] = static_cast<uint16_t>((word >> shift) & mask);
  }
}

template <bool big_endian>
void write_words(const uint16_t* in, uint8_t* target, int step, int shift, int count) {
  for (int x = 0; x < count; ++x) {
    uint16_t word = static_cast<uint16_t>(in[x] << shift);
    if constexpr (big_endian) word = static_cast<uint16_t>(word << 8 | word >> 8);
    std::memcpy(target + x * step, &word, 2);
  }
}

// One row of a palette picture. A palette entry is a native 32-bit word 0xAARRGGBB.
void read_palette(const AVFrame& av, int component, int y, const PlaneView& plane) {
  static constexpr int shift_of_component[4] = {16, 8, 0, 24};
  const uint8_t* source = av.data[0] + static_cast<ptrdiff_t>(y) * av.linesize[0];
  for (int x = 0; x < plane.width; ++x) {
    uint32_t entry;
    std::memcpy(&entry, av.data[1] + 4 * source[x], 4);
    plane.row<uint8_t>(y)[x] = static_cast<uint8_t>(entry >> shift_of_component[component]);
  }
}

// One row through FFmpeg's accessor, widened to 8 bits if narrower.
void read_generic(const AVFrame& av, const AVPixFmtDescriptor& d, int component, int y, int bits_out,
                  const PlaneView& plane) {
  const int bits_in = d.comp[component].depth;
  constexpr int chunk = 1024;
  uint16_t values[chunk];
  const int max_out = (1 << bits_out) - 1;
  const int max_in = (1 << bits_in) - 1;
  const bool inverted = av.format == AV_PIX_FMT_MONOWHITE;
  for (int x = 0; x < plane.width; x += chunk) {
    const int count = std::min(chunk, plane.width - x);
    av_read_image_line2(values, const_cast<const uint8_t**>(av.data), av.linesize, &d, x, y, component, count, 0, 2);
    for (int i = 0; i < count; ++i) {
      int v = bits_in < bits_out ? (values[i] * max_out + max_in / 2) / max_in : values[i];
      if (inverted) v = max_out - v;
      if (bits_out > 8)
        plane.row<uint16_t>(y)[x + i] = static_cast<uint16_t>(v);
      else
        plane.row<uint8_t>(y)[x + i] = static_cast<uint8_t>(v);
    }
  }
}

}  // namespace

std::optional<PixelLayout> pixel_layout(AVPixelFormat av, bool palette_alpha) {
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(av);
  if (!d || has(*d, AV_PIX_FMT_FLAG_HWACCEL) || has(*d, AV_PIX_FMT_FLAG_BAYER) || av == AV_PIX_FMT_XYZ12LE ||
      av == AV_PIX_FMT_XYZ12BE)
    return std::nullopt;
  // The planar ones in the machine's byte order.
  if (has(*d, AV_PIX_FMT_FLAG_FLOAT) && av != AV_PIX_FMT_GRAYF32LE && av != AV_PIX_FMT_GBRPF32LE &&
      av != AV_PIX_FMT_GBRAPF32LE)
    return std::nullopt;

  PixelLayout layout;
  PixelFormat& format = layout.format;
  const bool palette = has(*d, AV_PIX_FMT_FLAG_PAL);
  int bits = 8;
  if (!palette)
    for (int c = 0; c < d->nb_components; ++c) bits = std::max(bits, d->comp[c].depth);
  if (bits > 16 && !has(*d, AV_PIX_FMT_FLAG_FLOAT)) return std::nullopt;
  format.bits = static_cast<uint8_t>(bits);
  format.alpha = palette ? palette_alpha : has(*d, AV_PIX_FMT_FLAG_ALPHA);
  if (palette || has(*d, AV_PIX_FMT_FLAG_RGB)) {
    format.family = ColorFamily::rgb;
  } else if (is_gray(*d)) {
    format.family = ColorFamily::gray;
  } else if (d->log2_chroma_w > 1 || d->log2_chroma_h > 1) {
    layout.resample_chroma = true;
    return layout;
  } else {
    format.chroma_shift_x = d->log2_chroma_w;
    format.chroma_shift_y = d->log2_chroma_h;
  }

  layout.native = !palette && !has(*d, AV_PIX_FMT_FLAG_BITSTREAM) && !(bits > 8 && has(*d, AV_PIX_FMT_FLAG_BE));
  for (int c = 0; c < d->nb_components && layout.native; ++c) {
    const AVComponentDescriptor& comp = d->comp[c];
    layout.native = comp.depth == bits && comp.shift == 0 && comp.offset == 0 && comp.step == format.bytes_per_sample();
  }
  return layout;
}

AVPixelFormat av_pixel_format(const PixelFormat& format) {
  if (format.family == ColorFamily::gray && format.alpha) return AV_PIX_FMT_NONE;
  std::string name = to_string(format);
  if (format.bits > 8) name += "le";
  return av_get_pix_fmt(name.c_str());
}

bool palette_has_alpha(const AVFrame& frame) {
  if (frame.format != AV_PIX_FMT_PAL8 || !frame.data[1]) return false;
  for (int i = 0; i < 256; ++i) {
    uint32_t entry;
    std::memcpy(&entry, frame.data[1] + 4 * i, 4);
    // Unused entries are often all zero; a used transparent one says so by its alpha under a colour or by being used.
    if (entry >> 24 == 255 || entry == 0) continue;
    return true;
  }
  // Fully transparent black counts when a pixel uses it.
  uint32_t palette[256];
  std::memcpy(palette, frame.data[1], sizeof palette);
  for (int y = 0; y < frame.height; ++y)
    for (int x = 0; x < frame.width; ++x)
      if (palette[frame.data[0][y * frame.linesize[0] + x]] == 0) return true;
  return false;
}

void view_planes(const AVFrame& av, Frame& frame) {
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(av.format));
  for (int p = 0; p < frame.format.plane_count(); ++p) {
    const int source = d->comp[p].plane;
    PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    plane.data = reinterpret_cast<std::byte*>(av.data[source]);
    plane.stride_bytes = av.linesize[source];
    plane.width = frame.format.plane_width(p, frame.width);
    plane.height = frame.format.plane_height(p, frame.height);
  }
}

void split_planes(const AVFrame& av, const Frame& frame) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(av.format));
  const bool aligned = byte_aligned(d);
  const bool big_endian = has(d, AV_PIX_FMT_FLAG_BE);
  for (int p = 0; p < frame.format.plane_count(); ++p) {
    const PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    const AVComponentDescriptor& comp = d.comp[p];
    for (int y = 0; y < plane.height; ++y) {
      if (has(d, AV_PIX_FMT_FLAG_PAL)) {
        read_palette(av, p, y, plane);
        continue;
      }
      if (!aligned) {
        read_generic(av, d, p, y, frame.format.bits, plane);
        continue;
      }
      const uint8_t* source = av.data[comp.plane] + static_cast<ptrdiff_t>(y) * av.linesize[comp.plane] + comp.offset;
      const int mask = (1 << comp.depth) - 1;
      if (frame.format.bits == 8)
        read_bytes(source, comp.step, plane.row<uint8_t>(y), plane.width);
      else if (comp.depth == 8)
        read_bytes(source, comp.step, plane.row<uint16_t>(y), plane.width);
      else if (big_endian)
        read_words<true>(source, comp.step, comp.shift, mask, plane.row<uint16_t>(y), plane.width);
      else
        read_words<false>(source, comp.step, comp.shift, mask, plane.row<uint16_t>(y), plane.width);
    }
  }
}

bool can_pack(AVPixelFormat format) {
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(format);
  if (!d || !byte_aligned(*d)) return false;
  for (int c = 1; c < d->nb_components; ++c)
    if (d->comp[c].depth != d->comp[0].depth) return false;
  return true;
}

void pack_planes(const Frame& frame, AVFrame& av) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(av.format));
  const bool big_endian = has(d, AV_PIX_FMT_FLAG_BE);
  for (int p = 0; p < frame.format.plane_count(); ++p) {
    const PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    const AVComponentDescriptor& comp = d.comp[p];
    for (int y = 0; y < plane.height; ++y) {
      uint8_t* target = av.data[comp.plane] + static_cast<ptrdiff_t>(y) * av.linesize[comp.plane] + comp.offset;
      if (frame.format.bits == 8) {
        const uint8_t* in = plane.row<uint8_t>(y);
        for (int x = 0; x < plane.width; ++x) target[x * comp.step] = in[x];
      } else if (big_endian) {
        write_words<true>(plane.row<uint16_t>(y), target, comp.step, comp.shift, plane.width);
      } else {
        write_words<false>(plane.row<uint16_t>(y), target, comp.step, comp.shift, plane.width);
      }
    }
  }
}

}  // namespace framelift
