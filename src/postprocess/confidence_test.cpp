#include "postprocess/confidence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace framelift {
namespace {

// Of one gray pixel.
float confidence(float before, float after) {
  Tensor input = Tensor::filled({1, 3, 1, 1}, before), output = Tensor::filled({1, 3, 1, 1}, after);
  Tensor result = Tensor::filled({1, 1, 1, 1}, -1);
  expansion_confidence(input.view(), output.view(), result.view());
  return result.f32()[0];
}

TEST(Confidence, FollowsItsFormula) {
  EXPECT_EQ(confidence(0.5f, 0.5f), 1);
  EXPECT_EQ(confidence(1, 1), 1);
  const float floor = ConfidenceScale{}.floor;
  // Stops added to a clipped pixel: 1 -> 1/2, 3 -> 1/4.
  EXPECT_NEAR(confidence(1, 2 * (1 + floor) - floor), 0.5f, 1e-6f);
  EXPECT_NEAR(confidence(1, 8 * (1 + floor) - floor), 0.25f, 1e-6f);
  // One stop below the knee: 1 / (1 + 1/8), up or down.
  EXPECT_NEAR(confidence(0.25f, 2 * (0.25f + floor) - floor), 8.0f / 9, 1e-6f);
  EXPECT_NEAR(confidence(0.25f, (0.25f + floor) / 2 - floor), 8.0f / 9, 1e-6f);
}

TEST(Confidence, FallsWithClippingAndWithWhatIsAdded) {
  for (float before = 0; before <= 1; before += 0.125f)
    for (float stops = 0; stops < 6; stops += 0.5f) {
      const auto at = [](float x, float added) {
        const float floor = ConfidenceScale{}.floor;
        return confidence(x, (x + floor) * std::exp2(added) - floor);
      };
      EXPECT_GT(at(before, stops), 0);
      EXPECT_LE(at(before, stops), 1);
      EXPECT_LT(at(before, stops + 0.5f), at(before, stops));
      EXPECT_LE(at(before + 0.125f, stops), at(before, stops) + 1e-6f);  // rounding of log2
    }
}

TEST(Confidence, TakesTheLargestComponentOfEachPixel) {
  const float pixels[] = {0.1f, 1, /**/ 0.5f, 0, /**/ 0.2f, 0};  // R, G, B of two pixels
  const float expanded[] = {0.1f, 3, /**/ 0.5f, 0, /**/ 0.2f, 0.5f};
  Tensor input = Tensor::from_f32({1, 3, 1, 2}, pixels), output = Tensor::from_f32({1, 3, 1, 2}, expanded);
  Tensor result(DType::f32, {1, 1, 1, 2});
  expansion_confidence(input.view(), output.view(), result.view());
  EXPECT_EQ(result.f32()[0], 1);
  EXPECT_EQ(result.f32()[1], confidence(1, 3));
}

TEST(Confidence, IsZeroWhereNothingIsKnown) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, infinity}) {
    EXPECT_EQ(confidence(bad, 1), 0);
    EXPECT_EQ(confidence(1, bad), 0);
  }
  EXPECT_EQ(confidence(-1, -2), 1);  // light below 0 counts as none
}

}  // namespace
}  // namespace framelift
