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

}  // namespace framelift
