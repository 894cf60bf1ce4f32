#include "frame/frame.h"

#include <algorithm>

namespace framelift {

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
