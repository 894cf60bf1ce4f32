#include "frame/frame.h"

#include <algorithm>

#include "frame/read_pixel.h"

namespace framelift {

SamplePicture sample_picture(const Frame& frame) {
  SamplePicture picture;
  picture.width = frame.width;
  picture.height = frame.height;
  picture.chroma_width = frame.planes[1].width;
  picture.chroma_height = frame.planes[1].height;
  for (size_t p = 0; p < 3; ++p) {
    picture.data[p] = frame.planes[p].data;
    picture.stride_bytes[p] = frame.planes[p].stride_bytes;
  }
  return picture;
}

void fill_opaque(const PlaneView& plane, const PixelFormat& format, const Region& region) {
  const auto fill = [&](auto opaque) {
    for (int y = region.y; y < region.bottom(); ++y)
      std::fill_n(plane.row<decltype(opaque)>(y) + region.x, region.width, opaque);
  };
  if (format.is_float())
    fill(1.0f);
  else if (format.bits > 8)
    fill(static_cast<uint16_t>((1 << format.bits) - 1));
  else
    fill(uint8_t{255});
}

}  // namespace framelift
