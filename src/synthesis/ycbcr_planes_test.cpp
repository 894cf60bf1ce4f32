#include "synthesis/ycbcr_planes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace framelift {
namespace {

PixelFormat format_of(uint8_t bits) { return {ColorFamily::yuv, bits, 1, 1, false}; }

template <class F>
void for_each_sample(const Frame& frame, F f) {
  for (int p = 0; p < 3; ++p) {
    const PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    for (int y = 0; y < plane.height; ++y)
      for (int x = 0; x < plane.width; ++x)
        frame.format.bits > 8 ? f(p, x, y, plane.row<uint16_t>(y)[x]) : f(p, x, y, plane.row<uint8_t>(y)[x]);
  }
}

TEST(YcbcrPlanes, EveryCodeComesBack) {
  std::mt19937 random(1);
  for (const uint8_t bits : {uint8_t{8}, uint8_t{10}, uint8_t{16}})
    for (const ColorRange range : {ColorRange::limited, ColorRange::full}) {
      FramePool pool(7, 5, format_of(bits), 2);
      const Frame in = pool.acquire().value(), out = pool.acquire().value();
      for_each_sample(
          in, [&](int, int, int, auto& sample) { sample = static_cast<std::decay_t<decltype(sample)>>(random()); });
      if (bits == 10) for_each_sample(in, [](int, int, int, auto& sample) { sample &= 1023; });
      Tensor picture(DType::f32, {1, 3, 8, 10});  // larger than the frame
      read_ycbcr_planes(in, {0, 0, 10, 8}, range, picture.view());
      write_ycbcr_planes(picture.view(), 0, 0, range, out);
      std::vector<int> codes;
      for_each_sample(in, [&](int, int, int, auto sample) { codes.push_back(sample); });
      size_t i = 0;
      for_each_sample(out, [&](int p, int x, int y, auto sample) {
        ASSERT_EQ(sample, codes[i++]) << int{bits} << " bits, plane " << p << " at " << x << "," << y;
      });
    }
}

TEST(YcbcrPlanes, CodesOfAnyDepthMeanTheSame) {
  const auto one_sample = [](uint8_t bits, ColorRange range, int code) {
    const Frame frame = FramePool(2, 2, format_of(bits), 1).acquire().value();
    for_each_sample(frame,
                    [&](int, int, int, auto& sample) { sample = static_cast<std::decay_t<decltype(sample)>>(code); });
    Tensor picture(DType::f32, {1, 3, 2, 2});
    read_ycbcr_planes(frame, {0, 0, 2, 2}, range, picture.view());
    return picture.f32()[0];
  };
  EXPECT_EQ(one_sample(8, ColorRange::limited, 235), one_sample(10, ColorRange::limited, 940));
  EXPECT_EQ(one_sample(8, ColorRange::limited, 16), one_sample(16, ColorRange::limited, 16 << 8));
  EXPECT_EQ(one_sample(8, ColorRange::full, 255), 1);
  EXPECT_EQ(one_sample(10, ColorRange::full, 1023), 1);
}

TEST(YcbcrPlanes, WhatIsNoCodeIsClamped) {
  const Frame frame = FramePool(2, 2, format_of(8), 1).acquire().value();
  Tensor picture(DType::f32, {1, 3, 2, 2});
  const float values[] = {-1, 2, NAN, 0.5F};
  for (size_t i = 0; i < 12; ++i) picture.f32()[i] = values[i % 4];
  write_ycbcr_planes(picture.view(), 0, 0, ColorRange::full, frame);
  EXPECT_EQ(frame.planes[0].row<uint8_t>(0)[0], 0);
  EXPECT_EQ(frame.planes[0].row<uint8_t>(0)[1], 255);
  EXPECT_EQ(frame.planes[0].row<uint8_t>(1)[0], 0);
  EXPECT_EQ(frame.planes[0].row<uint8_t>(1)[1], 128);
}

}  // namespace
}  // namespace framelift
