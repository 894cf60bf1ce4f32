#include "preprocess/picture_reader.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace framelift {
namespace {

// A limited-range gray frame with codes below black and above white.
TEST(PictureReader, ClampsForNetworksThatExpectIt) {
  FramePool pool(4, 1, PixelFormat{ColorFamily::gray, 8, 0, 0, false}, 1);
  auto frame = pool.acquire();
  ASSERT_TRUE(frame);
  const uint8_t codes[] = {0, 16, 235, 255};
  std::ranges::copy(codes, frame->planes[0].row<uint8_t>(0));
  ColorInfo color{MatrixCoefficients::bt709, TransferCharacteristic::bt709, ColorPrimaries::bt709, ColorRange::limited,
                  ChromaLocation::left};
  const auto to_tensor = FrameToTensor::create(frame->format, color);
  ASSERT_TRUE(to_tensor) << to_tensor.error().message;
  Tensor rgb(DType::f32, {1, 3, 1, 4});

  PictureReader(*to_tensor, std::nullopt, false).run(*frame, {0, 0, 4, 1}, rgb.view());
  EXPECT_LT(rgb.f32()[0], -0.05f);
  EXPECT_GT(rgb.f32()[3], 1.05f);

  PictureReader(*to_tensor, std::nullopt, true).run(*frame, {0, 0, 4, 1}, rgb.view());
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_EQ(rgb.f32()[4 * c], 0);
    EXPECT_NEAR(rgb.f32()[4 * c + 1], 0, 1e-6);
    EXPECT_NEAR(rgb.f32()[4 * c + 2], 1, 1e-6);
    EXPECT_EQ(rgb.f32()[4 * c + 3], 1);
  }
}

// Inside the picture nothing changes, beyond it there is black on the axes that have bars, reflection on the others.
TEST(PictureReader, BarsAreBlack) {
  constexpr int width = 7, height = 5;
  FramePool pool(width, height, PixelFormat{ColorFamily::yuv, 8, 1, 1, false}, 1);
  auto frame = pool.acquire();
  ASSERT_TRUE(frame);
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < frame->planes[p].height; ++y)
      for (int x = 0; x < frame->planes[p].width; ++x)
        frame->planes[p].row<uint8_t>(y)[x] = static_cast<uint8_t>(60 + 11 * x + 17 * y + 5 * p);
  ColorInfo color{MatrixCoefficients::bt709, TransferCharacteristic::bt709, ColorPrimaries::bt709, ColorRange::limited,
                  ChromaLocation::left};
  const auto to_tensor = FrameToTensor::create(frame->format, color).value();
  for (const Region& region : {Region{-4, -3, 16, 12}, Region{2, 1, 3, 3}, Region{-9, -9, 5, 4}, Region{6, 4, 9, 2}})
    for (const Bars bars : {Bars{false, false}, Bars{true, false}, Bars{false, true}, Bars{true, true}}) {
      Tensor plain(DType::f32, {1, 3, region.height, region.width}), barred(DType::f32, plain.shape());
      to_tensor.run(*frame, region, plain.view());
      PictureReader(to_tensor, std::nullopt, false, bars).run(*frame, region, barred.view());
      size_t i = 0;
      for (int c = 0; c < 3; ++c)
        for (int y = region.y; y < region.bottom(); ++y)
          for (int x = region.x; x < region.right(); ++x, ++i) {
            const bool black =
                (bars.left_right && (x < 0 || x >= width)) || (bars.above_below && (y < 0 || y >= height));
            ASSERT_EQ(barred.f32()[i], black ? 0 : plain.f32()[i]) << c << " " << x << " " << y;
          }
    }
}

}  // namespace
}  // namespace framelift
