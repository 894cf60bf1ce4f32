#include "preprocess/reduce.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace framelift {
namespace {

Tensor noise(int height, int width) {
  Tensor picture(DType::f32, {1, 3, height, width});
  uint32_t state = 1;
  for (float& v : picture.f32()) v = static_cast<float>((state = state * 1664525u + 1013904223u) >> 8) / 0x1p24f;
  return picture;
}

// Bilinear interpolation as PyTorch documents it (align_corners=False): half-pixel centres, clamped to the edges.
double interpolated(const Tensor& picture, int channel, int y, int x, int target_height, int target_width) {
  const auto height = static_cast<int>(picture.shape()[2]), width = static_cast<int>(picture.shape()[3]);
  const auto place = [](int o, int size, int targets) { return std::max((o + 0.5) * size / targets - 0.5, 0.0); };
  const double v = place(y, height, target_height), u = place(x, width, target_width);
  const int y0 = static_cast<int>(v), x0 = static_cast<int>(u);
  const int y1 = std::min(y0 + 1, height - 1), x1 = std::min(x0 + 1, width - 1);
  const auto at = [&](int row, int column) {
    return static_cast<double>(picture.f32()[(static_cast<size_t>(channel) * height + row) * width + column]);
  };
  const double top = at(y0, x0) + (u - x0) * (at(y0, x1) - at(y0, x0));
  const double bottom = at(y1, x0) + (u - x0) * (at(y1, x1) - at(y1, x0));
  return top + (v - y0) * (bottom - top);
}

TEST(Reducer, BilinearToAnySize) {
  for (const auto& [height, width] :
       {std::pair{1, 1}, {2, 1}, {3, 700}, {64, 96}, {255, 257}, {1023, 5}, {300, 1000}}) {
    SCOPED_TRACE(testing::Message() << width << "x" << height);
    Tensor picture = noise(height, width);
    Reducer reducer = Reducer::to_size(height, width, 256, 250, Reduction::bilinear);
    ASSERT_EQ(reducer.target_height(), 256);
    ASSERT_EQ(reducer.target_width(), 250);
    Tensor small(DType::f32, {1, 3, 256, 250});
    reducer.run(picture.view(), small.view());
    double worst = 0;
    size_t i = 0;
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 256; ++y)
        for (int x = 0; x < 250; ++x)
          worst = std::max(worst, std::abs(small.f32()[i++] - interpolated(picture, c, y, x, 256, 250)));
    EXPECT_LE(worst, 2e-7);  // four products of values up to 1, rounded to float
  }
}

TEST(Reducer, KeepsConstants) {
  for (const Reduction method : {Reduction::bicubic, Reduction::bilinear})
    for (const int factor : {1, 2, 4, 7}) {
      Tensor picture = Tensor::filled({1, 3, 45, 61}, 0.7f);
      Reducer reducer = Reducer::by_factor(45, 61, factor, method);
      Tensor small(DType::f32, {1, 3, reducer.target_height(), reducer.target_width()});
      reducer.run(picture.view(), small.view());
      for (const float v : small.f32()) EXPECT_NEAR(v, 0.7f, 5e-7);  // weights sum to 1 but for their rounding
    }
}

TEST(Reducer, SizesByFactor) {
  EXPECT_EQ(Reducer::by_factor(181, 3, 4, Reduction::bicubic).target_height(), 46);
  EXPECT_EQ(Reducer::by_factor(181, 3, 4, Reduction::bicubic).target_width(), 1);
  EXPECT_EQ(Reducer::by_factor(181, 3, 4, Reduction::bilinear).target_height(), 45);
  EXPECT_EQ(Reducer::by_factor(181, 3, 4, Reduction::bilinear).target_width(), 1);
}

}  // namespace
}  // namespace framelift
