// The light meter against a double-precision evaluation of CTA-861.3 and ST 2084.
#include "postprocess/light_levels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "color/pq.h"
#include "preprocess/pixel_test_support.h"

namespace framelift {
namespace {

// Per pixel: linearise each channel, then take the largest.
struct Reference {
  double max = 0, sum = 0;
  int64_t pixels = 0;
  void add(const Tensor& t, const Region& r) {
    const int64_t height = t.shape()[2], width = t.shape()[3];
    for (int y = r.y; y < r.bottom(); ++y)
      for (int x = r.x; x < r.right(); ++x) {
        double light = 0;
        for (int64_t c = 0; c < 3; ++c) {
          const double v = static_cast<double>(t.as<float>()[(c * height + y) * width + x]);
          light = std::max(light, std::isnan(v) ? 0 : pq_eotf(std::clamp(v, 0.0, 1.0)));
        }
        max = std::max(max, light);
        sum += light;
        ++pixels;
      }
  }
};

Tensor random_picture(int width, int height, float low, float high, unsigned seed) {
  Tensor t(DType::f32, {1, 3, height, width});
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(low, high);
  for (float& v : t.f32()) v = value(random);
  return t;
}

TEST(Pq, KnownValues) {
  // ITU-R BT.2408 and ST 2084: 100 and 1000 cd/m2 lie at 50.8% and 75.2%.
  EXPECT_NEAR(pq_inverse_eotf(100.0), 0.508078, 1e-6);
  EXPECT_NEAR(pq_inverse_eotf(1000.0), 0.751827, 1e-6);
  EXPECT_NEAR(pq_inverse_eotf(203.0), 0.580689, 1e-6);
  EXPECT_EQ(pq_eotf(1.0), 10000);
  EXPECT_EQ(pq_eotf(0.0), 0);
  EXPECT_EQ(pq_eotf(-1.0f), 0);
  EXPECT_EQ(pq_eotf(std::numeric_limits<double>::quiet_NaN()), 0);
  EXPECT_NEAR(pq_inverse_eotf(pq_peak_nits), 1, 1e-15);
  for (double code = 0; code <= 1; code += 1.0 / 1023) {
    EXPECT_NEAR(pq_inverse_eotf(pq_eotf(code)), code, 1e-6);
    EXPECT_NEAR(static_cast<double>(pq_eotf(static_cast<float>(code))), pq_eotf(code), 2e-4 * pq_eotf(code) + 1e-6);
  }
}

TEST(LightMeter, EqualsADoublePrecisionEvaluation) {
  for (const auto& [low, high] : {std::pair{-0.2f, 1.2f}, {0.0f, 0.05f}, {0.4f, 0.7f}, {0.0f, 1.0f}})
    for (const auto& [width, height] : {std::pair{1, 1}, {7, 5}, {67, 33}, {5000, 3}}) {
      SCOPED_TRACE(fmt::format("{}..{} {}x{}", low, high, width, height));
      Tensor t = random_picture(width, height, low, high, 3);
      const Region all{0, 0, width, height};
      Reference expected;
      expected.add(t, all);
      LightMeter meter;
      meter.add(t.view(), all, all);
      meter.end_frame();
      EXPECT_DOUBLE_EQ(meter.max_content_nits(), expected.max);
      const double average = expected.sum / static_cast<double>(expected.pixels);
      EXPECT_NEAR(meter.max_frame_average_nits(), average, 1e-5 * average + 1e-7);
    }
}

TEST(LightMeter, TableFollowsTheCurve) {
  LightMeter meter;
  double before = 0;
  for (int i = 0; i <= 65535; ++i) {
    const float code = static_cast<float>(i) / 65535;
    Tensor t = Tensor::filled({1, 3, 1, 1}, code);
    meter.add(t.view(), {0, 0, 1, 1}, {0, 0, 1, 1});
    meter.end_frame();
    const double exact = pq_eotf(static_cast<double>(code)), measured = meter.max_frame_average_nits();
    ASSERT_NEAR(measured, exact, 1e-5 * exact + 1e-6) << i;
    ASSERT_GE(measured, before);
    before = measured;
  }
  EXPECT_EQ(meter.max_content_nits(), 10000);
  EXPECT_NEAR(meter.max_frame_average_nits(), 10000, 1e-3);
}

TEST(LightMeter, TakesOnlyTheRegion) {
  Tensor t = random_picture(40, 30, 0, 0.5f, 1);
  t.f32()[0] = 1;  // context of the tile, written by another one
  LightMeter meter;
  const Region covered{100, 200, 40, 30}, region{104, 202, 30, 26};
  meter.add(t.view(), covered, region);
  meter.end_frame();
  Reference expected;
  expected.add(t, {4, 2, 30, 26});
  EXPECT_DOUBLE_EQ(meter.max_content_nits(), expected.max);
  EXPECT_NEAR(meter.max_frame_average_nits(), expected.sum / (30 * 26), 1e-4);
}

TEST(LightMeter, TiledEqualsUntiledAndFramesAreApart) {
  LightMeter whole, tiled;
  double largest_average = 0, max = 0;
  for (unsigned frame = 0; frame < 3; ++frame) {
    Tensor t = random_picture(64, 48, 0, frame == 1 ? 0.8f : 0.3f, frame);
    const Region all{0, 0, 64, 48};
    Reference expected;
    expected.add(t, all);
    largest_average = std::max(largest_average, expected.sum / (64 * 48));
    max = std::max(max, expected.max);
    whole.add(t.view(), all, all);
    whole.end_frame();
    for (const Region& r : {Region{0, 0, 20, 48}, {20, 0, 44, 10}, {20, 10, 44, 38}}) tiled.add(t.view(), all, r);
    tiled.end_frame();
  }
  EXPECT_EQ(tiled.max_content_nits(), whole.max_content_nits());
  EXPECT_NEAR(tiled.max_frame_average_nits(), whole.max_frame_average_nits(), 1e-3);
  EXPECT_DOUBLE_EQ(whole.max_content_nits(), max);
  EXPECT_NEAR(whole.max_frame_average_nits(), largest_average, 1e-5 * largest_average);
}

TEST(LightMeter, NotANumberIsBlack) {
  Tensor t = Tensor::filled({1, 3, 2, 37}, std::numeric_limits<float>::quiet_NaN());
  for (size_t i = 0; i < 74; ++i) t.f32()[74 + i] = 0.25f;  // green
  LightMeter meter;
  meter.add(t.view(), {0, 0, 37, 2}, {0, 0, 37, 2});
  meter.end_frame();
  EXPECT_DOUBLE_EQ(meter.max_content_nits(), pq_eotf(0.25));
  EXPECT_NEAR(meter.max_frame_average_nits(), pq_eotf(0.25), 1e-4);
}

TEST(MeasuredMetadata, PicksTheMasteringPeak) {
  EXPECT_FALSE(measured_metadata(LightMeter()).content_light);
  const auto of = [](double nits) {
    Tensor t = Tensor::filled({1, 3, 2, 2}, static_cast<float>(pq_inverse_eotf(nits)));
    LightMeter meter;
    meter.add(t.view(), {0, 0, 2, 2}, {0, 0, 2, 2});
    meter.end_frame();
    return measured_metadata(meter);
  };
  for (const auto& [nits, peak] :
       {std::pair{0.0, 1000.0}, {203, 1000}, {1000, 1000}, {1002, 2000}, {3000, 4000}, {4002, 10000}, {10000, 10000}}) {
    const HdrMetadata metadata = of(nits);
    ASSERT_TRUE(metadata.mastering_display && metadata.content_light);
    EXPECT_EQ(metadata.mastering_display->max_nits, peak) << nits;
    EXPECT_EQ(metadata.content_light->max_content_nits, nits == 0 ? 1 : nits);
    EXPECT_EQ(metadata.content_light->max_frame_average_nits, nits == 0 ? 1 : nits);
  }
}

}  // namespace
}  // namespace framelift
