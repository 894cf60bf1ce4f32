#include "train/data/degrade.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "color/transfer.h"
#include "train/data/picture_for_test.h"

namespace framelift {
namespace {

using test::random_picture;
using test::same_bits;

Tensor flat(float value, int side) { return Tensor::filled({1, 3, side, side}, value); }

struct Moments {
  double mean = 0, variance = 0;
};
Moments moments(const Tensor& t) {
  Moments m;
  const auto n = static_cast<double>(t.elements());
  for (const float v : t.f32()) m.mean += v / n;
  for (const float v : t.f32()) m.variance += (v - m.mean) * (v - m.mean) / (n - 1);
  return m;
}

TEST(Degrade, PercentileIsTheRankOfTheBrightestChannel) {
  Tensor t(DType::f32, {1, 3, 1, 10});
  for (int i = 0; i < 10; ++i)
    for (int c = 0; c < 3; ++c) t.as<float>()[c * 10 + i] = c == i % 3 ? static_cast<float>(10 - i) : -1.0f;
  for (int i = 1; i <= 10; ++i) EXPECT_EQ(peak_percentile(t.view(), i / 10.0 - 0.01), static_cast<float>(i));
  EXPECT_EQ(peak_percentile(t.view(), 0), 1);
  EXPECT_EQ(peak_percentile(t.view(), 1), 10);
  t.as<float>()[0] = NAN;  // the brightest one's channel
  EXPECT_EQ(peak_percentile(t.view(), 1), 9);
}

TEST(Degrade, ExposureClipsTheShareThatWasAskedFor) {
  const Tensor picture = random_picture(64, 64, 3, 0, 40);
  for (const double clipped : {0.0, 0.005, 0.1, 0.5}) {
    Tensor t = picture.clone();
    const double gain = exposure_for(t.view(), clipped);
    apply_gain(t.view(), {gain, gain, gain});
    size_t above = 0;
    for (int64_t i = 0; i < 64 * 64; ++i) {
      float peak = 0;
      for (int64_t c = 0; c < 3; ++c) peak = std::max(peak, t.as<float>()[c * 64 * 64 + i]);
      above += peak > 1 + 1e-6f;  // the anchor itself is 1 but for rounding
    }
    // Of 4096 pixels, one for the rank that is no whole number and one that lies within the rounding.
    EXPECT_NEAR(static_cast<double>(above) / (64 * 64), clipped, 2.0 / (64 * 64)) << clipped;
  }
  EXPECT_EQ(exposure_for(flat(0, 4).view(), 0.1), 1);
  EXPECT_EQ(exposure_for(flat(INFINITY, 4).view(), 0.1), 1);
}

TEST(Degrade, GainIsPerChannel) {
  Tensor t = flat(2, 3);
  apply_gain(t.view(), {0.5, 1, 3});
  for (int i = 0; i < 27; ++i) EXPECT_EQ(t.as<float>()[i], i < 9 ? 1.0f : i < 18 ? 2.0f : 6.0f);
}

// n = 3 * 300^2 samples: the mean's deviation is sigma / sqrt(n) and the variance's sqrt(2 / n), here 0.27 %; five of
// them are allowed.
TEST(Degrade, NoiseHasTheMeanAndVarianceOfItsModel) {
  for (const SensorNoise noise : {SensorNoise{1e-3, 0, 1}, SensorNoise{0, 2e-3, 2}, SensorNoise{5e-4, 3e-3, 3}})
    for (const float light : {0.0f, 0.1f, 0.8f}) {
      Tensor t = flat(light, 300);
      add_noise(t.view(), noise);
      const double variance = noise.shot * light + noise.read * noise.read;
      const Moments m = moments(t);
      const auto n = static_cast<double>(t.elements());
      EXPECT_NEAR(m.mean, light, 5 * std::sqrt(variance / n) + 1e-7);
      EXPECT_NEAR(m.variance, variance, 5 * std::sqrt(2 / n) * variance + 1e-12);
    }
}

TEST(Degrade, NoiseIsAFunctionOfSeedAndPlace) {
  Tensor a = flat(0.5f, 40), b = flat(0.5f, 40), other = flat(0.5f, 40), small = flat(0.5f, 20);
  add_noise(a.view(), {1e-3, 1e-3, 9});
  add_noise(b.view(), {1e-3, 1e-3, 9});
  add_noise(other.view(), {1e-3, 1e-3, 10});
  add_noise(small.view(), {1e-3, 1e-3, 9});
  EXPECT_TRUE(same_bits(a, b));
  EXPECT_FALSE(same_bits(a, other));
  EXPECT_TRUE(std::equal(small.f32().begin(), small.f32().end(), a.f32().begin()));
  // Neighbours, and neighbouring seeds, have nothing in common: correlations of 4800 pairs are below 5 / sqrt(4800).
  double neighbours = 0, seeds = 0, variance = 0;
  for (size_t i = 0; i + 1 < a.f32().size(); ++i) {
    const double x = a.f32()[i] - 0.5;
    neighbours += x * (a.f32()[i + 1] - 0.5);
    seeds += x * (other.f32()[i] - 0.5);
    variance += x * x;
  }
  EXPECT_LT(std::abs(neighbours / variance), 0.072);
  EXPECT_LT(std::abs(seeds / variance), 0.072);
}

TEST(Degrade, NoNoiseChangesNothing) {
  const Tensor picture = random_picture(8, 8, 1);
  Tensor t = picture.clone();
  add_noise(t.view(), {0, 0, 5});
  EXPECT_TRUE(same_bits(t, picture));
}

TEST(Degrade, ClipHoldsWhatASensorHolds) {
  const float values[] = {-1, 0, 0.25f, 1, 7, NAN, INFINITY, -INFINITY, 1e-30f, -0.0f, 0.5f, 2};
  Tensor t = Tensor::from_f32({1, 3, 2, 2}, values);
  clip(t.view());
  const float expected[] = {0, 0, 0.25f, 1, 1, 0, 1, 0, 1e-30f, 0, 0.5f, 1};
  for (size_t i = 0; i < 12; ++i) EXPECT_EQ(t.f32()[i], expected[i]) << values[i];
}

TEST(Degrade, CurvesRiseFromBlackToWhiteAndCanBeUndone) {
  for (const double n : {0.6, 0.9, 1.2})
    for (const double sigma : {0.3, 0.6, 0.9}) {
      const CameraCurve curve{n, sigma};
      EXPECT_EQ(camera_response(curve, 0), 0);
      EXPECT_NEAR(camera_response(curve, 1), 1, 1e-15);
      double before = 0;
      for (double x = 1e-6; x <= 1; x *= 1.01) {
        const double y = camera_response(curve, x);
        EXPECT_GT(y, before);
        before = y;
        // The curve solved for x.
        EXPECT_NEAR(std::pow(sigma * y / (1 + sigma - y), 1 / n), x, 1e-12 * x + 1e-15);
      }
    }
  for (double x = 0; x <= 1; x += 0.01) {
    EXPECT_EQ(camera_response({0.9, 0}, x), srgb_inverse_eotf(x));
    EXPECT_NEAR(srgb_eotf(camera_response({}, x)), x, 1e-12);
  }
  // The middle of the family lies close to sRGB, which is what pictures are shown with: within an eighth of the range.
  for (double x = 0; x <= 1; x += 0.01) EXPECT_NEAR(camera_response({0.9, 0.6}, x), srgb_inverse_eotf(x), 0.125) << x;
}

TEST(Degrade, QuantisesToTheNearestOf256Levels) {
  Tensor t = random_picture(100, 100, 8);
  const Tensor before = t.clone();
  quantise(t.view(), 8);
  std::set<float> levels;
  for (size_t i = 0; i < t.f32().size(); ++i) {
    EXPECT_LE(std::abs(double{t.f32()[i]} - before.f32()[i]), 0.5 / 255 + 1e-7);
    levels.insert(t.f32()[i]);
  }
  EXPECT_EQ(levels.size(), 256u);  // 30000 draws over 256 levels: each is there
  for (const float level : levels) EXPECT_EQ(level, std::round(level * 255) / 255);
  const Tensor once = t.clone();
  quantise(t.view(), 8);
  EXPECT_TRUE(same_bits(t, once));
}

TEST(Degrade, PhotographIsItsStepsInOrder) {
  const CameraDraw camera{{1e-3, 2e-3, 4}, {0.85, 0.7}};
  const Tensor light = random_picture(30, 30, 5, -0.1, 3);
  Tensor whole = light.clone(), steps = light.clone();
  photograph(whole.view(), camera);
  add_noise(steps.view(), camera.noise);
  clip(steps.view());
  apply_curve(steps.view(), camera.curve);
  quantise(steps.view(), 8);
  EXPECT_TRUE(same_bits(whole, steps));
  // The brighter the light, the brighter the picture, but for noise of a few hundredths.
  for (size_t i = 1; i < light.f32().size(); ++i)
    if (light.f32()[i] > light.f32()[i - 1] + 0.3f && light.f32()[i - 1] >= 0 && light.f32()[i] < 1) {
      EXPECT_GT(whole.f32()[i], whole.f32()[i - 1]);
    }
}

// Without noise, 8-bit sRGB made linear again differs from clipped light by half a step at most.
TEST(Degrade, TheInputIsTheClippedTargetWhereTheCurveIsKnown) {
  const Tensor light = random_picture(40, 40, 6, 0, 1.5);
  Tensor picture = light.clone();
  photograph(picture.view(), {});
  for (size_t i = 0; i < light.f32().size(); ++i) {
    const double clipped = std::min(1.0, double{light.f32()[i]});
    EXPECT_NEAR(picture.f32()[i], srgb_inverse_eotf(clipped), 0.5 / 255 + 1e-6);
  }
}

}  // namespace
}  // namespace framelift
