// The pixel formats inside framelift: always planar, 8-bit samples in bytes, deeper ones in native 16-bit words with
// the value in the low bits, or 32-bit floats. Packed and semi-planar formats are split by decode/ and packed by
// encode/ (lossless).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace framelift {

enum class ColorFamily : uint8_t {
  yuv,   // planes Y, U(Cb), V(Cr) [, A]
  rgb,   // planes R, G, B [, A]
  gray,  // plane Y [, A]
};

struct PixelFormat {
  ColorFamily family = ColorFamily::yuv;
  // Significant bits per sample, 8..16; or 32: IEEE floats (rgb and gray only). Floats are not codes of a range: black
  // is 0, white 1, nothing is clamped, and NaN and infinities are kept. Their colours are premultiplied by alpha, as
  // OpenEXR has it, where integers hold them straight.
  uint8_t bits = 8;
  uint8_t chroma_shift_x = 0;  // log2 of horizontal chroma subsampling, 0 or 1 (yuv only)
  uint8_t chroma_shift_y = 0;  // log2 of vertical chroma subsampling, 0 or 1 (yuv only)
  bool alpha = false;          // one more full-size, full-range plane at the end

  bool is_float() const { return bits == 32; }
  int bytes_per_sample() const { return is_float() ? 4 : bits > 8 ? 2 : 1; }
  int plane_count() const { return (family == ColorFamily::gray ? 1 : 3) + (alpha ? 1 : 0); }
  bool is_chroma(int plane) const { return family == ColorFamily::yuv && (plane == 1 || plane == 2); }
  int plane_width(int plane, int width) const { return is_chroma(plane) ? ceil_shift(width, chroma_shift_x) : width; }
  int plane_height(int plane, int height) const {
    return is_chroma(plane) ? ceil_shift(height, chroma_shift_y) : height;
  }

  friend bool operator==(const PixelFormat&, const PixelFormat&) = default;

 private:
  static int ceil_shift(int n, int shift) { return (n + (1 << shift) - 1) >> shift; }
};

// Short name in FFmpeg's manner: "yuv420p10", "gbrp", "gray", "yuva444p", "gbrpf32".
std::string to_string(const PixelFormat& format);
// The format of that name, also with the byte order FFmpeg may put behind it ("yuv420p10le").
std::optional<PixelFormat> parse_pixel_format(std::string_view name);

}  // namespace framelift
