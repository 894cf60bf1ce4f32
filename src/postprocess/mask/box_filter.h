// Means over square windows, in time that does not depend on their size.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace framelift {

// Of pictures whose pixels are `Channels` floats side by side. One thread at a time.
template <int Channels>
class BoxFilter {
 public:
  BoxFilter(int height, int width)
      : height_(height),
        width_(width),
        rows_(static_cast<size_t>(height) * static_cast<size_t>(width) * Channels),
        column_(static_cast<size_t>(width) * Channels) {}

  // dst[y,x] = mean of src over the pixels of the picture within `radius` rows and columns. height x width pixels, rows
  // without gaps; `dst` may be `src`.
  void run(const float* src, float* dst, int radius) {
    const int64_t stride = int64_t{width_} * Channels;
    for (int y = 0; y < height_; ++y) means_of_row(src + y * stride, rows_.data() + y * stride, radius);
    std::ranges::fill(column_, 0.0);
    for (int y = 0; y < std::min(radius, height_); ++y) add_row(y, 1);
    for (int y = 0; y < height_; ++y) {
      if (y + radius < height_) add_row(y + radius, 1);
      if (y - radius - 1 >= 0) add_row(y - radius - 1, -1);
      const double scale = 1.0 / (std::min(y + radius, height_ - 1) - std::max(y - radius, 0) + 1);
      float* to = dst + y * stride;
      for (int64_t i = 0; i < stride; ++i) to[i] = static_cast<float>(column_[static_cast<size_t>(i)] * scale);
    }
  }

 private:
  void means_of_row(const float* from, float* to, int radius) const {
    std::array<double, Channels> sum{};
    const auto add = [&](int x, double sign) {
      for (size_t c = 0; c < Channels; ++c) sum[c] += sign * from[static_cast<size_t>(x) * Channels + c];
    };
    for (int x = 0; x < std::min(radius, width_); ++x) add(x, 1);
    for (int x = 0; x < width_; ++x) {
      if (x + radius < width_) add(x + radius, 1);
      if (x - radius - 1 >= 0) add(x - radius - 1, -1);
      const double scale = 1.0 / (std::min(x + radius, width_ - 1) - std::max(x - radius, 0) + 1);
      for (size_t c = 0; c < Channels; ++c)
        to[static_cast<size_t>(x) * Channels + c] = static_cast<float>(sum[c] * scale);
    }
  }
  void add_row(int y, double sign) {
    const float* row = rows_.data() + y * static_cast<int64_t>(column_.size());
    for (size_t i = 0; i < column_.size(); ++i) column_[i] += sign * row[i];
  }

  int height_, width_;
  std::vector<float> rows_;     // means along rows
  std::vector<double> column_;  // running sums down the columns
};

}  // namespace framelift
