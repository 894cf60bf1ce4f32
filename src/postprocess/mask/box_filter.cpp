#include "postprocess/mask/box_filter.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace framelift {

BoxFilter::BoxFilter(int height, int width)
    : height_(height),
      width_(width),
      rows_(static_cast<size_t>(height) * static_cast<size_t>(width)),
      column_(static_cast<size_t>(width)) {}

void BoxFilter::run(const float* src, float* dst, int radius) {
  const int64_t width = width_;
  for (int y = 0; y < height_; ++y) {
    const float* from = src + y * width;
    float* to = rows_.data() + y * width;
    double sum = 0;
    for (int x = 0; x < std::min(radius, width_); ++x) sum += from[x];
    for (int x = 0; x < width_; ++x) {
      if (x + radius < width_) sum += from[x + radius];
      if (x - radius - 1 >= 0) sum -= from[x - radius - 1];
      to[x] = static_cast<float>(sum / (std::min(x + radius, width_ - 1) - std::max(x - radius, 0) + 1));
    }
  }
  std::ranges::fill(column_, 0.0);
  const auto add = [&](int y, double sign) {
    const float* row = rows_.data() + y * width;
    for (int x = 0; x < width_; ++x) column_[static_cast<size_t>(x)] += sign * row[x];
  };
  for (int y = 0; y < std::min(radius, height_); ++y) add(y, 1);
  for (int y = 0; y < height_; ++y) {
    if (y + radius < height_) add(y + radius, 1);
    if (y - radius - 1 >= 0) add(y - radius - 1, -1);
    const double scale = 1.0 / (std::min(y + radius, height_ - 1) - std::max(y - radius, 0) + 1);
    float* to = dst + y * width;
    for (int x = 0; x < width_; ++x) to[x] = static_cast<float>(column_[static_cast<size_t>(x)] * scale);
  }
}

}  // namespace framelift
