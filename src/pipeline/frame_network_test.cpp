#include "pipeline/frame_network.h"

#include <gtest/gtest.h>

#include <cmath>

namespace framelift {
namespace {

Tensor gray(float value) { return Tensor::filled({1, 3, 18, 32}, value); }

TEST(Stabiliser, FollowsTheExponentialMean) {
  Stabiliser stabiliser(0.75f);
  Tensor picture = gray(0.5f);
  double state = 0;
  for (int t = 0; t < 20; ++t) {
    const auto value = static_cast<float>(std::sin(t));
    float values[] = {value, 2 * value};
    stabiliser.smooth(picture.view(), values);
    state = t == 0 ? value : 0.75 * state + 0.25 * value;
    EXPECT_NEAR(values[0], state, 1e-6);  // in float
    EXPECT_NEAR(values[1], 2 * state, 2e-6);
  }
}

TEST(Stabiliser, KnowsNothingOfThePastAfterACut) {
  Stabiliser used(0.9f), fresh(0.9f);
  for (int t = 0; t < 30; ++t) {
    float values[] = {static_cast<float>(t)};
    used.smooth(gray(0.2f).view(), values);
  }
  for (int t = 0; t < 5; ++t) {  // another scene
    float a[] = {static_cast<float>(-t)}, b[] = {static_cast<float>(-t)};
    used.smooth(gray(0.7f).view(), a);
    fresh.smooth(gray(0.7f).view(), b);
    EXPECT_EQ(a[0], b[0]) << t;
  }
}

TEST(Stabiliser, FadesAreNoCuts) {
  Stabiliser stabiliser(0.9f);
  float last[] = {0};
  stabiliser.smooth(gray(0).view(), last);
  for (int t = 1; t <= 25; ++t) {  // from black to white in a second
    float values[] = {1};
    stabiliser.smooth(gray(static_cast<float>(t) / 25).view(), values);
    EXPECT_LT(values[0], 1) << t;  // still remembers the 0 it began with
    EXPECT_GT(values[0], last[0]);
    last[0] = values[0];
  }
}

TEST(Stabiliser, OffChangesNothing) {
  Stabiliser stabiliser(0);
  for (float value : {3.0f, -1.0f, 0.25f}) {
    float values[] = {value};
    stabiliser.smooth(gray(0.5f).view(), values);
    EXPECT_EQ(values[0], value);
  }
}

}  // namespace
}  // namespace framelift
