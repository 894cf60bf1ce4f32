#include "codec/quantized_tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace framelift {
namespace {

Tensor ramp(const Shape& shape) {
  Tensor weights(DType::f32, shape);
  for (size_t i = 0; i < weights.f32().size(); ++i)
    weights.f32()[i] = std::sin(static_cast<float>(i) * 1.7f) * static_cast<float>(i % 7 + 1) * 0.01f;
  return weights;
}

TEST(QuantizedTensor, AxisIsTheLargestDimensionAboveTwenty) {
  EXPECT_EQ(quantization_axis({128, 32}), 0);
  EXPECT_EQ(quantization_axis({32, 128}), 1);
  EXPECT_EQ(quantization_axis({32, 6, 3, 3}), 0);
  EXPECT_EQ(quantization_axis({64, 64, 3, 3}), 0) << "the first of equals";
  EXPECT_EQ(quantization_axis({8, 100}), 1);
  EXPECT_EQ(quantization_axis({21}), 0);
  EXPECT_EQ(quantization_axis({20, 20}), no_axis);
  EXPECT_EQ(quantization_axis({}), no_axis);
}

// The definition, element by element, for every axis.
TEST(QuantizedTensor, FollowsItsDefinition) {
  const Tensor weights = ramp({5, 4, 3});
  for (int axis : {no_axis, 0, 1, 2})
    for (int bits : {2, 6, 12}) {
      const auto quantized = quantize(weights, bits, axis);
      ASSERT_TRUE(quantized.has_value());
      const Tensor back = dequantize(*quantized);
      const int limit = 1 << (bits - 1);
      int coordinates[3];
      for (int& a = coordinates[0] = 0; a < 5; ++a)
        for (int& b = coordinates[1] = 0; b < 4; ++b)
          for (int& c = coordinates[2] = 0; c < 3; ++c) {
            float largest = 0;
            for (int i = 0; i < 60; ++i) {
              const int other[3] = {i / 12, i / 3 % 4, i % 3};
              bool shares = true;
              for (int d = 0; d < 3; ++d)
                shares = shares && (axis == no_axis || d == axis || other[d] == coordinates[d]);
              if (shares) largest = std::max(largest, std::abs(weights.f32()[static_cast<size_t>(i)]));
            }
            const float scale = half_to_float(float_to_half(2 * largest / (static_cast<float>(2 * limit) - 1) + 1e-6f));
            const int element = a * 12 + b * 3 + c;
            const auto at = static_cast<size_t>(element);
            const float level = std::clamp(std::nearbyint(weights.f32()[at] / scale), -static_cast<float>(limit),
                                           static_cast<float>(limit - 1));
            EXPECT_EQ(quantized->values[at], level);
            EXPECT_EQ(back.f32()[at], level * scale);
          }
      EXPECT_EQ(static_cast<int64_t>(quantized->scales.size()), scale_count(weights.shape(), axis));
    }
}

TEST(QuantizedTensor, QuantisingTwiceChangesNothing) {
  const Tensor once = dequantize(*quantize(ramp({40, 10}), 6, 0));
  const Tensor twice = dequantize(*quantize(once, 6, 0));
  // The largest weight of a scale's group is 31 of the 31.5 levels that define the scale, so a second scale is smaller
  // by that ratio; no weight moves by more than half a level of either.
  for (size_t i = 0; i < 400; ++i) EXPECT_NEAR(twice.f32()[i], once.f32()[i], 0.5 * 0.07 * 2 / 63 + 1e-6);
}

TEST(QuantizedTensor, ZerosStayZeros) {
  const auto quantized = quantize(Tensor::filled({30, 2}, 0), 8, 0);
  ASSERT_TRUE(quantized.has_value());
  EXPECT_EQ(quantized->values, std::vector<int16_t>(60, 0));
  EXPECT_GT(half_to_float(quantized->scales[0]), 0) << "1e-6 is a half, if a coarse one";
}

TEST(QuantizedTensor, RefusesWhatItCannotKeep) {
  EXPECT_FALSE(quantize(Tensor::filled({3}, std::numeric_limits<float>::quiet_NaN()), 8, no_axis));
  EXPECT_FALSE(quantize(Tensor::filled({3}, std::numeric_limits<float>::infinity()), 8, no_axis));
  EXPECT_FALSE(quantize(Tensor::filled({3}, 1e8f), 8, no_axis)) << "the scale is no half";
  EXPECT_FALSE(quantize(Tensor::filled({3}, 1), 1, no_axis));
  EXPECT_FALSE(quantize(Tensor::filled({3}, 1), 13, no_axis));
  EXPECT_FALSE(quantize(Tensor::filled({3}, 1), 8, 1));
}

}  // namespace
}  // namespace framelift
