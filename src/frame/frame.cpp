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

Frame part_of(const Frame& frame, const Region& region) {
  Frame part;
  part.width = region.width;
  part.height = region.height;
  part.format = frame.format;
  part.color = frame.color;
  part.sample_aspect_ratio = frame.sample_aspect_ratio;
  part.pts = frame.pts;
  part.duration = frame.duration;
  const PixelFormat& format = frame.format;
  for (int p = 0; p < format.plane_count(); ++p) {
    const PlaneView& whole = frame.planes[static_cast<size_t>(p)];
    const int x = format.is_chroma(p) ? region.x >> format.chroma_shift_x : region.x;
    const int y = format.is_chroma(p) ? region.y >> format.chroma_shift_y : region.y;
    part.planes[static_cast<size_t>(p)] = {
        whole.data + y * whole.stride_bytes + ptrdiff_t{x} * format.bytes_per_sample(), whole.stride_bytes,
        format.plane_width(p, region.width), format.plane_height(p, region.height)};
  }
  return part;
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
