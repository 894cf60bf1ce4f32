#include "preprocess/color_convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "color/primaries.h"
#include "color/transfer.h"
#include "preprocess/pixel_test_support.h"

namespace framelift {
namespace {

using enum TransferCharacteristic;
using Colors = ColorPrimaries;

ColorInfo color(TransferCharacteristic transfer, ColorPrimaries primaries) {
  ColorInfo info;
  info.transfer = transfer;
  info.primaries = primaries;
  return info;
}

constexpr ColorPrimaries every_primaries[] = {Colors::bt709,  Colors::bt470bg, Colors::smpte170m, Colors::smpte240m,
                                              Colors::bt2020, Colors::dci_p3,  Colors::display_p3};
constexpr TransferCharacteristic sdr[] = {bt709,  gamma22, gamma28,   smpte170m, smpte240m,
                                          linear, srgb,    bt2020_10, bt2020_12};

ColorConverter converter(const ColorInfo& from, const ColorInfo& to, double peak_nits = 1000) {
  return **ColorConverter::create(from, to, peak_nits);
}

// One pixel in double, written from the definitions.
void reference(const ColorInfo& from, const ColorInfo& to, double peak_nits, double (&rgb)[3]) {
  const bool hdr = is_hdr(from.transfer);
  const double gamma = hlg_system_gamma(peak_nits);
  for (double& x : rgb) x = eotf(from.transfer, hdr ? std::clamp(x, 0.0, 1.0) : x);
  if (from.transfer == hlg) hlg_ootf(rgb, gamma);
  if (from.transfer == pq)
    for (double& x : rgb) x = std::min(x * pq_peak_nits / (to.transfer == pq ? pq_peak_nits : peak_nits), 1.0);
  if (!same_primaries(from.primaries, to.primaries)) {
    const Vector3 mixed = multiply(rgb_to_rgb(from.primaries, to.primaries), Vector3{{rgb[0], rgb[1], rgb[2]}});
    for (int i = 0; i < 3; ++i) rgb[i] = hdr ? std::max(mixed.v[i], 0.0) : mixed.v[i];
  }
  if (to.transfer == hlg) hlg_inverse_ootf(rgb, gamma);
  if (to.transfer == pq && from.transfer == hlg)
    for (double& x : rgb) x *= peak_nits / pq_peak_nits;
  for (double& x : rgb) {
    x = inverse_eotf(to.transfer, x);
    if (hdr)
      x = std::clamp(x, 0.0, 1.0);
    else if (to.transfer != linear)
      x = std::clamp(x, -16.0 / 219, 239.0 / 219);
  }
}

Tensor random_picture(int height, int width, float low, float high, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(low, high);
  Tensor picture(DType::f32, {1, 3, height, width});
  for (float& x : picture.f32()) x = value(random);
  return picture;
}

// Largest difference from the double evaluation.
double worst(const ColorInfo& from, const ColorInfo& to, double peak_nits, Tensor picture) {
  const Tensor source = picture.clone();
  converter(from, to, peak_nits).run(picture.view());
  const auto n = static_cast<size_t>(picture.elements() / 3);
  double difference = 0;
  for (size_t i = 0; i < n; ++i) {
    double rgb[3];
    for (size_t c = 0; c < 3; ++c) rgb[c] = double{source.f32()[c * n + i]};
    reference(from, to, peak_nits, rgb);
    for (size_t c = 0; c < 3; ++c) {
      const double d = std::abs(rgb[c] - double{picture.f32()[c * n + i]});
      if (!(d <= difference)) difference = d;
    }
  }
  return difference;
}

// Gray ramp with black and white, and saturated colours.
Tensor ramp() {
  Tensor picture(DType::f32, {1, 3, 1, 4096});
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < 4096; ++i) {
      const bool on = i < 1024 || (i >> c) & 1;
      picture.as<float>()[c * 4096 + i] = on ? static_cast<float>(i < 1024 ? i / 1023.0 : (i - 1024) / 3071.0) : 0.0f;
    }
  return picture;
}

TEST(ColorConverter, SdrEqualsDoubleEvaluation) {
  for (TransferCharacteristic from : sdr)
    for (TransferCharacteristic to : sdr)
      for (ColorPrimaries primaries : every_primaries) {
        const ColorInfo a = color(from, primaries), b = color(to, Colors::bt709);
        if (!ColorConverter::create(a, b)->has_value()) continue;
        // A power's slope at black is unbounded, and rounding in light shows there as its root: colours that the
        // matrix cancels to nothing differ by (1e-7)^(1/2.4) = 0.001 of a signal that is black.
        const double tolerance = same_primaries(primaries, Colors::bt709) ? 2e-6 : to == linear ? 4e-6 : 2e-3;
        EXPECT_LT(worst(a, b, 1000, ramp()), tolerance)
            << static_cast<int>(from) << ", " << static_cast<int>(primaries) << " -> " << static_cast<int>(to);
        EXPECT_LT(worst(a, b, 1000, random_picture(7, 61, 0.05f, 0.95f)), to == linear ? 2e-6 : 1e-4)
            << static_cast<int>(from) << ", " << static_cast<int>(primaries) << " -> " << static_cast<int>(to);
      }
}

TEST(ColorConverter, HdrEqualsDoubleEvaluation) {
  const ColorInfo in_pq = color(pq, Colors::bt2020), in_hlg = color(hlg, Colors::bt2020);
  for (double peak : {300.0, 1000.0, 2000.0, 4000.0, 10000.0})
    for (auto [from, to] : {std::pair{in_pq, in_hlg}, std::pair{in_hlg, in_pq}}) {
      EXPECT_LT(worst(from, to, peak, ramp()), 3e-6) << peak;
      EXPECT_LT(worst(from, to, peak, random_picture(31, 97, -0.1f, 1.1f)), 3e-6) << peak;
    }
  EXPECT_LT(worst(color(pq, Colors::display_p3), in_pq, 1000, ramp()), 3e-6);
  EXPECT_LT(worst(color(pq, Colors::display_p3), in_hlg, 1000, ramp()), 2e-5);
}

TEST(ColorConverter, BlackAndWhiteAreExact) {
  struct Pair {
    ColorInfo from, to;
    float white;
  };
  const Pair pairs[] = {{color(smpte170m, Colors::smpte170m), color(bt709, Colors::bt709), 1},
                        {color(srgb, Colors::bt709), color(bt709, Colors::bt709), 1},
                        {color(bt2020_10, Colors::bt2020), color(bt709, Colors::bt709), 1},
                        {color(pq, Colors::bt2020), color(hlg, Colors::bt2020), 0.751827f}};
  for (const Pair& pair : pairs) {
    Tensor picture = Tensor::filled({1, 3, 1, 2}, 0);
    for (size_t c = 0; c < 3; ++c) picture.f32()[2 * c + 1] = pair.white;
    converter(pair.from, pair.to).run(picture.view());
    for (size_t c = 0; c < 3; ++c) {
      EXPECT_EQ(picture.f32()[2 * c], 0);
      EXPECT_NEAR(picture.f32()[2 * c + 1], 1, 1e-6);
    }
  }
}

// Light of an SDR picture in units of its white, beyond both ends of what PQ holds.
TEST(ColorConverter, LightToPqEqualsItsDefinition) {
  for (ColorPrimaries primaries : {Colors::bt709, Colors::bt2020}) {
    Tensor picture = random_picture(5, 301, -0.5f, 2);
    for (size_t i = 0; i < 300; ++i) picture.f32()[i] = static_cast<float>(i) / 5;
    const Tensor source = picture.clone();
    converter(color(linear, primaries), color(pq, Colors::bt2020)).run(picture.view());
    const Matrix3 mix = rgb_to_rgb(primaries, Colors::bt2020);
    const size_t n = picture.f32().size() / 3;
    for (size_t i = 0; i < n; ++i) {
      Vector3 nits;
      for (size_t c = 0; c < 3; ++c)
        nits.v[c] = std::clamp(203.0 * static_cast<double>(source.f32()[c * n + i]), 0.0, pq_peak_nits);
      const Vector3 mixed = multiply(mix, nits);
      for (size_t c = 0; c < 3; ++c)
        EXPECT_NEAR(picture.f32()[c * n + i], pq_inverse_eotf(mixed.v[c]), 3e-6) << source.f32()[c * n + i];
    }
  }
}

TEST(ColorConverter, HdrReferenceWhiteIsThreeQuartersHlg) {  // BT.2408
  const auto code = static_cast<float>(pq_inverse_eotf(203.0));
  Tensor picture = Tensor::filled({1, 3, 1, 1}, code);
  converter(color(pq, Colors::bt2020), color(hlg, Colors::bt2020)).run(picture.view());
  for (float x : picture.f32()) EXPECT_NEAR(x, 0.75, 5e-4);
}

TEST(ColorConverter, HlgAndPqUndoEachOther) {
  const ColorInfo in_pq = color(pq, Colors::bt2020), in_hlg = color(hlg, Colors::bt2020);
  Tensor picture = random_picture(9, 33, 0.05f, 0.95f);
  const Tensor source = picture.clone();
  converter(in_hlg, in_pq).run(picture.view());
  converter(in_pq, in_hlg).run(picture.view());
  for (size_t i = 0; i < source.f32().size(); ++i) EXPECT_NEAR(picture.f32()[i], source.f32()[i], 2e-5);
}

TEST(ColorConverter, NothingToDo) {
  const ColorInfo to = color(bt709, Colors::bt709);
  for (TransferCharacteristic same : {bt709, smpte170m, bt2020_10, bt2020_12, smpte240m})
    EXPECT_FALSE(ColorConverter::create(color(same, Colors::bt709), to)->has_value()) << static_cast<int>(same);
  EXPECT_FALSE(ColorConverter::create(color(pq, Colors::bt2020), color(pq, Colors::bt2020))->has_value());
  EXPECT_FALSE(
      ColorConverter::create(color(smpte170m, Colors::smpte170m), color(smpte240m, Colors::smpte240m))->has_value());
  EXPECT_TRUE(ColorConverter::create(color(smpte170m, Colors::smpte170m), to)->has_value());
  EXPECT_TRUE(ColorConverter::create(color(bt709, Colors::bt470bg), to)->has_value());
}

TEST(ColorConverter, Refusals) {
  const ColorInfo to = color(bt709, Colors::bt709);
  EXPECT_EQ(ColorConverter::create(color(unspecified, Colors::bt709), to).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(ColorConverter::create(color(bt709, Colors::unspecified), to).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(ColorConverter::create(color(pq, Colors::bt2020), to).error().code, ErrorCode::unsupported);
  EXPECT_EQ(ColorConverter::create(to, color(hlg, Colors::bt2020)).error().code, ErrorCode::unsupported);
  EXPECT_EQ(ColorConverter::create(color(pq, Colors::bt2020), color(hlg, Colors::bt709)).error().code,
            ErrorCode::unsupported);
  for (double peak : {50.0, 20000.0, std::nan("")})
    EXPECT_EQ(ColorConverter::create(color(pq, Colors::bt2020), color(hlg, Colors::bt2020), peak).error().code,
              ErrorCode::invalid_argument);
}

// Tiles are cut anywhere: bits must depend neither on the position nor on the instruction set.
TEST(ColorConverter, SameBitsEverywhere) {
  const ColorConverter converters[] = {converter(color(srgb, Colors::bt2020), color(bt709, Colors::bt709)),
                                       converter(color(pq, Colors::bt2020), color(hlg, Colors::bt2020)),
                                       converter(color(hlg, Colors::bt2020), color(pq, Colors::bt2020))};
  for (const ColorConverter& convert : converters) {
    const Tensor source = random_picture(1, 1100, -0.1f, 1.1f);
    Tensor whole = source.clone();
    convert.run(whole.view());
    for (int width : {1, 3, 17, 64, 511, 513, 1100}) {
      const int first = 1100 - width;
      Tensor part(DType::f32, {1, 3, 1, width});
      for (int c = 0; c < 3; ++c)
        for (int x = 0; x < width; ++x) part.as<float>()[c * width + x] = source.as<float>()[c * 1100 + first + x];
      convert.run(part.view());
      for (int c = 0; c < 3; ++c)
        EXPECT_EQ(std::memcmp(part.as<float>() + c * width, whole.as<float>() + c * 1100 + first,
                              static_cast<size_t>(width) * sizeof(float)),
                  0)
            << width;
    }
    for_each_instruction_set([&](const std::string& name) {
      Tensor other = source.clone();
      convert.run(other.view());
      EXPECT_EQ(std::memcmp(other.data(), whole.data(), whole.bytes()), 0) << name;
    });
  }
}

TEST(ColorConverter, SurvivesWhatNetworksGiveWhenTheyFail) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  for (auto [from, to] : {std::pair{color(pq, Colors::bt2020), color(hlg, Colors::bt2020)},
                          std::pair{color(srgb, Colors::bt2020), color(bt709, Colors::bt709)}}) {
    Tensor picture = Tensor::filled({1, 3, 1, 4}, 0.5f);
    const float bad[4] = {nan, infinity, -infinity, 1e30f};
    for (size_t i = 0; i < 4; ++i)
      for (size_t c = 0; c < 3; ++c) picture.f32()[4 * c + i] = bad[i];
    converter(from, to).run(picture.view());
    for (size_t c = 0; c < 3; ++c) {
      const auto row = picture.f32().subspan(4 * c, 4);
      EXPECT_EQ(row[0], 0);
      EXPECT_GE(row[1], 0.999f);
      EXPECT_LE(row[1], 239.0f / 219);
      EXPECT_LE(row[2], 0);
      EXPECT_GE(row[2], -16.0f / 219);
      EXPECT_EQ(row[3], row[1]);
    }
  }
}

}  // namespace
}  // namespace framelift
