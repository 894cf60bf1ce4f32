#include "synthesis/ycbcr_planes.h"

#include <algorithm>
#include <cmath>

namespace framelift {
namespace {

float code_of_one(const PixelFormat& format, ColorRange range) {
  return static_cast<float>((1 << format.bits) - (range == ColorRange::full ? 1 : 0));
}

template <class Sample>
void read_planes(const Frame& frame, const Region& region, float one, float* to) {
  for (int p = 0; p < 3; ++p) {
    const PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    const int shift = p > 0;
    for (int y = region.y; y < region.bottom(); ++y) {
      const Sample* row = plane.row<Sample>(std::min(y >> shift, plane.height - 1));
      for (int x = region.x; x < region.right(); ++x)
        *to++ = static_cast<float>(row[std::min(x >> shift, plane.width - 1)]) / one;
    }
  }
}

template <class Sample>
void write_planes(const TensorView& src, int left, int top, float one, const Frame& dst) {
  const int64_t rows = src.shape[2], columns = src.shape[3];
  const auto most = static_cast<float>((1 << dst.format.bits) - 1);
  for (int p = 0; p < 3; ++p) {
    const PlaneView& plane = dst.planes[static_cast<size_t>(p)];
    const int step = p > 0 ? 2 : 1;
    for (int y = 0; y < plane.height; ++y) {
      const float* from = src.as<float>() + (p * rows + top + int64_t{y} * step) * columns + left;
      Sample* const row = plane.row<Sample>(y);
      for (int x = 0; x < plane.width; ++x) {
        const float code = from[int64_t{x} * step] * one;
        row[x] = static_cast<Sample>(std::nearbyint(code > 0 ? std::min(code, most) : 0.0F));
      }
    }
  }
}

}  // namespace

bool is_ycbcr_420(const PixelFormat& format) {
  return format.family == ColorFamily::yuv && format.chroma_shift_x == 1 && format.chroma_shift_y == 1 &&
         format.bits <= 16 && !format.alpha;
}

void read_ycbcr_planes(const Frame& frame, const Region& region, ColorRange range, const TensorView& dst) {
  const float one = code_of_one(frame.format, range);
  float* const to = dst.as<float>();
  frame.format.bits > 8 ? read_planes<uint16_t>(frame, region, one, to) : read_planes<uint8_t>(frame, region, one, to);
}

void write_ycbcr_planes(const TensorView& src, int left, int top, ColorRange range, const Frame& dst) {
  const float one = code_of_one(dst.format, range);
  dst.format.bits > 8 ? write_planes<uint16_t>(src, left, top, one, dst)
                      : write_planes<uint8_t>(src, left, top, one, dst);
}

}  // namespace framelift
