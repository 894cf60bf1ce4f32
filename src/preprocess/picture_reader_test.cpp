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

}  // namespace
}  // namespace framelift
