// Floating-point frames: to tensors, back, and resized.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "postprocess/resize.h"
#include "postprocess/tensor_to_frame.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {
namespace {

constexpr ColorInfo linear{MatrixCoefficients::rgb, TransferCharacteristic::linear, ColorPrimaries::bt709,
                           ColorRange::full, ChromaLocation::left};
constexpr PixelFormat rgba{ColorFamily::rgb, 32, 0, 0, true}, gray{ColorFamily::gray, 32, 0, 0, false};

Frame new_frame(PixelFormat format, int width, int height) {
  return FramePool(width, height, format, 1).acquire().value();
}

// Any bits at all: infinities, NaN, denormals, negative zero.
void fill_with_any_bits(const Frame& frame) {
  std::mt19937 random(3);
  for (int p = 0; p < frame.format.plane_count(); ++p)
    for (int y = 0; y < frame.height; ++y)
      for (int x = 0; x < frame.width; ++x)
        frame.planes[static_cast<size_t>(p)].row<uint32_t>(y)[x] =
            static_cast<uint32_t>(random() % 8 ? random() : 0x7f800000u | (random() % 3));
}

TEST(FloatFrame, ComesBackToTheLastBit) {
  for (const auto& [width, height] : {std::pair{1, 1}, {67, 5}, {3, 40}}) {
    const Frame source = new_frame(rgba, width, height), result = new_frame(rgba, width, height),
                reference = new_frame(rgba, width, height);
    fill_with_any_bits(source);
    const Region all{0, 0, width, height};
    Tensor tensor(DType::f32, {1, 3, height, width}), slow(DType::f32, {1, 3, height, width});
    const auto to_tensor = FrameToTensor::create(rgba, linear).value();
    const auto to_frame = TensorToFrame::create(rgba, linear, true).value();
    to_tensor.run(source, all, tensor.view());
    to_tensor.run_reference(source, all, slow.view());
    to_frame.run(tensor.view(), all, all, result);
    to_frame.run_reference(slow.view(), all, all, reference);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        for (size_t p = 0; p < 3; ++p) {
          const float expected = source.planes[p].row<float>(y)[x];
          ASSERT_EQ(result.planes[p].row<uint32_t>(y)[x], std::bit_cast<uint32_t>(expected));
          // The reference computes, which may change which NaN it is.
          const float found = reference.planes[p].row<float>(y)[x];
          ASSERT_TRUE(found == expected || (std::isnan(found) && std::isnan(expected)));
        }
        ASSERT_EQ(result.planes[3].row<float>(y)[x], 1.0f);
        ASSERT_EQ(reference.planes[3].row<float>(y)[x], 1.0f);
      }
  }
}

TEST(FloatFrame, ReflectsBeyondItsBorders) {
  const Frame frame = new_frame(gray, 4, 3);
  for (int y = 0; y < 3; ++y)
    for (int x = 0; x < 4; ++x) frame.planes[0].row<float>(y)[x] = static_cast<float>(10 * y + x);
  const Region region{-2, -1, 8, 5};
  Tensor tensor(DType::f32, {1, 3, 5, 8}), reference(DType::f32, {1, 3, 5, 8});
  const auto to_tensor = FrameToTensor::create(gray, linear).value();
  to_tensor.run(frame, region, tensor.view());
  to_tensor.run_reference(frame, region, reference.view());
  const float expected[] = {12, 11, 10, 11, 12, 13, 12, 11};  // numpy.pad(..., "reflect")
  for (size_t c = 0; c < 3; ++c)
    for (size_t x = 0; x < 8; ++x) EXPECT_EQ(tensor.f32()[c * 40 + x], expected[x]);
  for (size_t i = 0; i < 120; ++i) EXPECT_EQ(tensor.f32()[i], reference.f32()[i]);
}

TEST(FloatFrame, GrayIsLuminanceAndExactForNeutrals) {
  const float inf = std::numeric_limits<float>::infinity();
  Tensor tensor =
      Tensor::from_f32({1, 3, 1, 4}, std::vector<float>{0.1f, 2, inf, 1, 0.1f, 1, inf, 0, 0.1f, -1, inf, 0});
  const Frame frame = new_frame(gray, 4, 1);
  const Region all{0, 0, 4, 1};
  TensorToFrame::create(gray, linear, false).value().run(tensor.view(), all, all, frame);
  const float* found = frame.planes[0].row<float>(0);
  EXPECT_EQ(found[0], 0.1f);
  EXPECT_FLOAT_EQ(found[1], 2 * 0.2126f + 0.7152f - 0.0722f);
  EXPECT_EQ(found[2], inf);
  EXPECT_FLOAT_EQ(found[3], 0.2126f);
}

TEST(FloatFrame, YuvIsRefused) {
  ColorInfo color = linear;
  color.matrix = MatrixCoefficients::bt709;
  EXPECT_EQ(FrameToTensor::create({ColorFamily::yuv, 32, 0, 0, false}, color).error().code, ErrorCode::unsupported);
}

// Against the same picture as 16-bit codes, where the filter is the same: apart by a code's rounding on either side.
TEST(FloatFrame, ResizesLikeCodesAndBeyondThem) {
  constexpr PixelFormat codes{ColorFamily::rgb, 16, 0, 0, true};
  const Frame floats = new_frame(rgba, 61, 43), integers = new_frame(codes, 61, 43);
  for (size_t p = 0; p < 4; ++p)
    for (int y = 0; y < 43; ++y)
      for (int x = 0; x < 61; ++x) {
        const int code = 20000 + 300 * x + 200 * y + 500 * static_cast<int>(p);
        integers.planes[p].row<uint16_t>(y)[x] = static_cast<uint16_t>(code);
        floats.planes[p].row<float>(y)[x] = static_cast<float>(code) / 65535 * 64;
      }
  Frame small = new_frame(rgba, 30, 50), small_codes = new_frame(codes, 30, 50);
  ASSERT_TRUE(Resizer::create({rgba, 61, 43, linear}, {rgba, 30, 50, linear}, false).value().run(floats, small));
  ASSERT_TRUE(
      Resizer::create({codes, 61, 43, linear}, {codes, 30, 50, linear}, false).value().run(integers, small_codes));
  for (size_t p = 0; p < 4; ++p)
    for (int y = 0; y < 50; ++y)
      for (int x = 0; x < 30; ++x)
        ASSERT_NEAR(small.planes[p].row<float>(y)[x] / 64 * 65535, small_codes.planes[p].row<uint16_t>(y)[x], 2);
}

TEST(FloatFrame, AlphaOfCodesBecomesFloats) {
  const Frame bytes = new_frame({ColorFamily::gray, 8, 0, 0, false}, 20, 10), floats = new_frame(gray, 20, 10);
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 20; ++x) bytes.planes[0].row<uint8_t>(y)[x] = static_cast<uint8_t>(x * 12 + y);
  ASSERT_TRUE(PlaneResizer::create(20, 10, 8, 20, 10, 32).value().run(bytes.planes[0], floats.planes[0]));
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 20; ++x)
      ASSERT_FLOAT_EQ(floats.planes[0].row<float>(y)[x], static_cast<float>(x * 12 + y) / 255);
}

}  // namespace
}  // namespace framelift
