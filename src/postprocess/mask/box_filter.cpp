#include "postprocess/mask/box_filter.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "postprocess/mask/mask_kernels.h"

namespace framelift {

BoxFilter::BoxFilter(int height, int width, int max_radius)
    : height_(height),
      width_(width),
      rows_(static_cast<size_t>(height) * static_cast<size_t>(width)),
      line_(static_cast<size_t>(width) + 2 * static_cast<size_t>(std::min(max_radius, width)) + mask_row_padding),
      sums_(static_cast<size_t>(width) + mask_row_padding),
      zeros_(static_cast<size_t>(width)),
      column_(static_cast<size_t>(width)) {}

void BoxFilter::means_of_row(const float* from, float* to, int radius) {
  const auto n = static_cast<size_t>(width_), r = static_cast<size_t>(radius);
  std::fill_n(line_.begin(), r, 0.0f);
  std::copy_n(from, n, line_.begin() + radius);
  std::fill_n(line_.begin() + radius + width_, r, 0.0f);
  window_sums(line_.data(), n, 2 * r + 1, sums_.data());
  const auto mean = [&](int x) {
    const int count = std::min(x + radius, width_ - 1) - std::max(x - radius, 0) + 1;
    to[x] = sums_[static_cast<size_t>(x)] / static_cast<float>(count);
  };
  // Whole windows lie between those that the borders cut.
  const int begin = std::min(radius, width_), end = std::max(width_ - radius, begin);
  for (int x = 0; x < begin; ++x) mean(x);
  const float scale = 1 / static_cast<float>(2 * radius + 1);
  for (int x = begin; x < end; ++x) to[x] = sums_[static_cast<size_t>(x)] * scale;
  for (int x = end; x < width_; ++x) mean(x);
}

void BoxFilter::run(const float* src, float* dst, int radius) {
  const int beside = std::min(radius, width_ - 1);
  for (int y = 0; y < height_; ++y) means_of_row(src + int64_t{y} * width_, rows_.data() + int64_t{y} * width_, beside);
  std::ranges::fill(column_, 0.0);
  const auto row = [&](int y) { return y >= 0 && y < height_ ? rows_.data() + int64_t{y} * width_ : zeros_.data(); };
  for (int y = -radius; y < height_; ++y) {
    const double scale = 1.0 / (std::min(y + radius, height_ - 1) - std::max(y - radius, 0) + 1);
    slide_column(row(y + radius), row(y - radius - 1), scale, zeros_.size(), column_.data(),
                 y < 0 ? sums_.data() : dst + int64_t{y} * width_);
  }
}

}  // namespace framelift
