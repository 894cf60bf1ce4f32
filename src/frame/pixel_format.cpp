#include "frame/pixel_format.h"

namespace framelift {

std::string to_string(const PixelFormat& format) {
  std::string name;
  switch (format.family) {
    case ColorFamily::gray: name = format.alpha ? "ya" : "gray"; break;
    case ColorFamily::rgb: name = format.alpha ? "gbrap" : "gbrp"; break;
    case ColorFamily::yuv:
      name = format.alpha ? "yuva" : "yuv";
      name +=
          format.chroma_shift_x ? (format.chroma_shift_y ? "420p" : "422p") : (format.chroma_shift_y ? "440p" : "444p");
      break;
  }
  if (format.is_float()) name += 'f';
  if (format.bits > 8) name += std::to_string(format.bits);
  return name;
}

std::optional<PixelFormat> parse_pixel_format(std::string_view name) {
  const bool little_endian = name.ends_with("le");
  if (little_endian) name.remove_suffix(2);
  for (ColorFamily family : {ColorFamily::yuv, ColorFamily::rgb, ColorFamily::gray})
    for (int bits : {8, 9, 10, 11, 12, 13, 14, 15, 16, 32})
      for (int shifts = 0; shifts < (family == ColorFamily::yuv ? 4 : 1); ++shifts)
        for (bool alpha : {false, true}) {
          const PixelFormat format{family, static_cast<uint8_t>(bits), static_cast<uint8_t>(shifts & 1),
                                   static_cast<uint8_t>(shifts >> 1), alpha};
          const bool possible = family == ColorFamily::yuv ? !format.is_float() : true;
          if (possible && (bits > 8 || !little_endian) && to_string(format) == name) return format;
        }
  return std::nullopt;
}

}  // namespace framelift
