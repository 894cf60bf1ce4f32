// Flicker of made-up brightness curves with known scores; mean luminance of flat and of tiled pictures; scene cuts.
#include "metrics/flicker.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <random>

#include "color/primaries.h"
#include "color/transfer.h"
#include "metrics/mean_luminance.h"
#include "metrics/scene_cut.h"

namespace framelift {
namespace {

// Logarithms of sums of nine equal numbers, divided by nine: a few steps of 1e-16, in per cent.
constexpr double rounding = 1e-10;

// source(t), result(t) and whether t is a cut, for frames 0..n-1.
template <class Source, class Result, class Cut>
FlickerScore play(int n, const Source& source, const Result& result, const Cut& cut) {
  FlickerMeter meter;
  for (int t = 0; t < n; ++t) meter.add(source(t), result(t), cut(t));
  return meter.score();
}

bool never(int) { return false; }

TEST(Flicker, ConstantVideoHasNone) {
  const FlickerScore s = play(
      100, [](int) { return 20.0; }, [](int) { return 45.0; }, never);
  EXPECT_NEAR(s.added, 0, rounding);
  EXPECT_NEAR(s.source, 0, rounding);
  EXPECT_NEAR(s.result, 0, rounding);
  EXPECT_EQ(s.frames, 100 - 8);
}

// The moving average over nine frames lets D = sin(9w/2) / (9 sin(w/2)) of a sine of angular frequency w through, so
// that 1 - D is left of it, and a / sqrt(2) of an amplitude a over whole periods.
TEST(Flicker, SineGainGivesTheAnalyticValue) {
  for (int period : {2, 3, 5, 12, 25}) {
    const double w = 2 * std::numbers::pi / period, a = 0.02;
    const double passed = std::sin(9 * w / 2) / (9 * std::sin(w / 2));
    const int frames = period * 40 + 8;  // whole periods are judged
    const double phase = 0.7;
    const auto wave = [&](int t) { return std::exp(a * std::sin(w * t + phase)); };
    // For a period of 2 the two samples of the sine are +-sin(phase).
    const double rms = period == 2 ? std::abs(std::sin(phase)) : std::numbers::sqrt2 / 2;
    const double expected = 100 * a * rms * std::abs(1 - passed);
    const FlickerScore s = play(
        frames, [](int) { return 20.0; }, [&](int t) { return 45 * wave(t); }, never);
    EXPECT_NEAR(s.added, expected, rounding) << period;
    EXPECT_NEAR(s.result, expected, rounding) << period;
    // On a source that moves by itself the result's own flicker is larger, what was added is the same.
    const auto moving = [](int t) { return 20 + 5 * std::sin(t * 0.9); };
    const FlickerScore m = play(
        frames, moving, [&](int t) { return 2 * moving(t) * wave(t); }, never);
    EXPECT_NEAR(m.added, expected, rounding) << period;
    EXPECT_GT(m.source, 5);
  }
}

// A still source: the score is the coefficient of variation of the result. Random gains are white noise, of which the
// moving average takes a ninth of the power away.
TEST(Flicker, OfAStillSourceIsTheCoefficientOfVariation) {
  std::mt19937 random(1);
  std::normal_distribution<double> gain(1, 0.01);
  std::vector<double> light(20000);
  for (double& v : light) v = 50 * gain(random);
  double sum = 0, squares = 0;
  for (double v : light) sum += v, squares += v * v;
  const double n = static_cast<double>(light.size()), mean = sum / n;
  const double variation = 100 * std::sqrt(squares / n - mean * mean) / mean;
  const FlickerScore s = play(
      20000, [](int) { return 10.0; }, [&](int t) { return light[static_cast<size_t>(t)]; }, never);
  // The sample's own deviation from white, 1 / sqrt(n), with room.
  EXPECT_NEAR(s.result, variation * std::sqrt(8.0 / 9), 0.02 * variation);
  EXPECT_NEAR(s.added, s.result, rounding);
}

TEST(Flicker, ProportionalFadeHasNone) {
  const auto fade = [](int t) { return 80.0 * (200 - t) / 200; };  // to 0.4 cd/m2
  const FlickerScore s = play(
      200, fade, [&](int t) { return 3.5 * fade(t); }, never);
  EXPECT_NEAR(s.added, 0, rounding);
  EXPECT_GT(s.frames, 180);
}

TEST(Flicker, SlowDriftOfTheGainHasNone) {
  const FlickerScore s = play(
      200, [](int) { return 30.0; }, [](int t) { return 30 * std::exp(0.01 * t); }, never);
  EXPECT_NEAR(s.added, 0, rounding);
}

TEST(Flicker, CutsDoNotCount) {
  const auto source = [](int t) { return t < 50 ? 60.0 : 3.0; };
  const auto result = [](int t) { return t < 50 ? 90.0 : 12.0; };  // another gain in the other scene
  const FlickerScore s = play(100, source, result, [](int t) { return t == 50; });
  EXPECT_NEAR(s.added, 0, rounding);
  EXPECT_EQ(s.frames, 2 * (50 - 8));
  EXPECT_GT(play(100, source, result, never).added, 1);  // were the cut not known
}

TEST(Flicker, ShortShotsAreNotJudged) {
  const FlickerScore s = play(
      80, [](int) { return 20.0; }, [](int t) { return t % 2 ? 20.0 : 30.0; }, [](int t) { return t % 8 == 0; });
  EXPECT_EQ(s.frames, 0);
  EXPECT_EQ(s.added, 0);
}

TEST(Flicker, BlackResultsOfABrightSourceCount) {
  const FlickerScore s = play(
      60, [](int) { return 20.0; }, [](int t) { return t == 30 ? 0.0 : 20.0; }, never);
  EXPECT_GT(s.added, 50);
  EXPECT_TRUE(std::isfinite(s.added));
}

TEST(Flicker, BlackSourcesEndTheShot) {
  const auto source = [](int t) { return t % 30 == 29 ? 0.0 : 20.0; };
  const FlickerScore s = play(
      90, source, [&](int t) { return 2 * source(t); }, never);
  EXPECT_NEAR(s.added, 0, rounding);
  EXPECT_EQ(s.frames, 3 * (29 - 8));
}

ColorInfo color(TransferCharacteristic transfer, ColorPrimaries primaries) {
  return {MatrixCoefficients::rgb, transfer, primaries, ColorRange::full, ChromaLocation::unspecified};
}

double luminance_of(MeanLuminance& meter, float r, float g, float b) {
  Tensor t(DType::f32, {1, 3, 10, 4});
  for (size_t i = 0; i < 120; ++i) t.f32()[i] = i < 40 ? r : i < 80 ? g : b;
  const Region all{0, 0, 4, 10};
  meter.add(t.view(), all, all);
  return meter.end_frame();
}

// Between the 4096 steps of the table the curves are straight lines: 1e-4 of a value in mid-tones.
TEST(MeanLuminance, OfFlatPictures) {
  MeanLuminance sdr(color(TransferCharacteristic::bt709, ColorPrimaries::bt709));
  EXPECT_NEAR(luminance_of(sdr, 1, 1, 1), 100, 1e-9);
  EXPECT_NEAR(luminance_of(sdr, 0.5f, 0.5f, 0.5f), 100 * std::pow(0.5, 2.4), 1e-4);
  EXPECT_NEAR(luminance_of(sdr, 0, 1, 0), 71.52, 0.01);  // BT.709's rounded weight
  EXPECT_EQ(luminance_of(sdr, -0.1f, std::numeric_limits<float>::quiet_NaN(), 0), 0);
  MeanLuminance pq(color(TransferCharacteristic::pq, ColorPrimaries::bt2020));
  EXPECT_NEAR(luminance_of(pq, 0.5080784f, 0.5080784f, 0.5080784f), 100, 0.01);
  EXPECT_NEAR(luminance_of(pq, 0, 0, 1), 593, 0.5);
  // BT.2408: 75% HLG is 203 cd/m2 on a display of 1000, full scale the peak.
  MeanLuminance hlg(color(TransferCharacteristic::hlg, ColorPrimaries::bt2020));
  EXPECT_NEAR(luminance_of(hlg, 0.75f, 0.75f, 0.75f), 203, 0.5);
  EXPECT_NEAR(luminance_of(hlg, 1, 1, 1), 1000, 1e-3);
}

TEST(MeanLuminance, TiledEqualsUntiled) {
  Tensor t(DType::f32, {1, 3, 45, 33});
  std::mt19937 random(2);
  std::uniform_real_distribution<float> value(0, 1);
  for (float& v : t.f32()) v = value(random);
  const Region all{0, 0, 33, 45};
  for (auto transfer : {TransferCharacteristic::bt709, TransferCharacteristic::pq, TransferCharacteristic::hlg}) {
    MeanLuminance whole(color(transfer, ColorPrimaries::bt2020)), tiled(color(transfer, ColorPrimaries::bt2020));
    for (int frame = 0; frame < 2; ++frame) {
      whole.add(t.view(), all, all);
      for (const Region& r : {Region{0, 0, 20, 45}, {20, 0, 13, 17}, {20, 17, 13, 28}}) tiled.add(t.view(), all, r);
      const double expected = whole.end_frame();
      EXPECT_NEAR(tiled.end_frame(), expected, 1e-12 * expected);  // another order of summing
      EXPECT_GT(expected, 1);
    }
  }
}

TEST(MeanLuminance, OfSampledRowsEqualsTheDefinition) {
  Tensor t(DType::f32, {1, 3, 30, 16});
  std::mt19937 random(3);
  std::uniform_real_distribution<float> value(0.1f, 1);
  for (float& v : t.f32()) v = value(random);
  double sum = 0;
  for (size_t y = 0; y < 30; y += 8)
    for (size_t x = 0; x < 16; ++x) {
      double rgb[3];
      for (size_t c = 0; c < 3; ++c) rgb[c] = pq_eotf(static_cast<double>(t.f32()[(c * 30 + y) * 16 + x]));
      sum += bt2020_luminance(rgb);
    }
  MeanLuminance meter(color(TransferCharacteristic::pq, ColorPrimaries::bt2020));
  const Region all{0, 0, 16, 30};
  meter.add(t.view(), all, all);
  EXPECT_NEAR(meter.end_frame(), sum / 64, 1e-4 * sum / 64);  // BT.2020's weights are rounded to four digits
}

TEST(SceneCut, FirstPictureAndJumpsOnly) {
  SceneCutDetector cuts;
  Tensor dark = Tensor::filled({1, 3, 40, 60}, 0.2f), darker = Tensor::filled({1, 3, 40, 60}, 0.15f);
  Tensor light = Tensor::filled({1, 3, 40, 60}, 0.4f);
  EXPECT_TRUE(cuts.is_cut(dark.view()));
  EXPECT_FALSE(cuts.is_cut(dark.view()));
  EXPECT_FALSE(cuts.is_cut(darker.view()));
  EXPECT_TRUE(cuts.is_cut(light.view()));
  EXPECT_FALSE(cuts.is_cut(light.view()));
  Tensor small = Tensor::filled({1, 3, 3, 5}, 0.4f);  // fewer pixels than cells
  EXPECT_FALSE(cuts.is_cut(small.view()));
}

}  // namespace
}  // namespace framelift
