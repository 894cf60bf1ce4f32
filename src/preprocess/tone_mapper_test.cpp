#include "preprocess/tone_mapper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "color/tone_map.h"
#include "preprocess/pixel_test_support.h"

namespace framelift {
namespace {

using enum TransferCharacteristic;

ColorInfo color(TransferCharacteristic transfer, ColorPrimaries primaries) {
  ColorInfo info;
  info.transfer = transfer;
  info.primaries = primaries;
  return info;
}

Tensor random_picture(int width, float low, float high) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> value(low, high);
  Tensor picture(DType::f32, {1, 3, 1, width});
  for (float& x : picture.f32()) x = value(random);
  return picture;
}

TEST(ToneMapper, EqualsDoubleEvaluation) {
  struct Case {
    ColorInfo from;
    double peak;
  };
  const Case cases[] = {{color(pq, ColorPrimaries::bt2020), 1000},    {color(pq, ColorPrimaries::bt2020), 203},
                        {color(pq, ColorPrimaries::bt2020), 10000},   {color(pq, ColorPrimaries::bt709), 4000},
                        {color(pq, ColorPrimaries::display_p3), 600}, {color(hlg, ColorPrimaries::bt2020), 1000},
                        {color(hlg, ColorPrimaries::bt2020), 300}};
  for (const Case& c : cases) {
    const auto reference = ToneMap::create(c.from.transfer, c.from.primaries, c.peak);
    const auto mapper = ToneMapper::create(c.from, c.peak);
    ASSERT_TRUE(reference && mapper);
    // Grays, where the table of gains shows, and colours.
    Tensor grays(DType::f32, {1, 3, 1, 4096}), colors = random_picture(20011, -0.1f, 1.1f);
    for (size_t i = 0; i < 4096 * 3; ++i) grays.f32()[i] = static_cast<float>(i % 4096) / 4095;
    for (Tensor* picture : {&grays, &colors}) {
      const Tensor source = picture->clone();
      mapper->run(picture->view());
      const auto n = static_cast<size_t>(picture->elements() / 3);
      for (size_t i = 0; i < n; ++i) {
        double rgb[3];
        for (size_t j = 0; j < 3; ++j) rgb[j] = double{source.f32()[j * n + i]};
        reference->run(rgb);
        for (size_t j = 0; j < 3; ++j) {
          // Rounding in light (1e-7) shows as its 2.4th root where a component is next to 0: half an 8-bit code at
          // most. Elsewhere the curves and the interpolated gain leave a few 1e-6.
          const double tolerance = rgb[j] < 0.02 ? 2e-3 : 2e-5;
          ASSERT_NEAR(picture->f32()[j * n + i], rgb[j], tolerance)
              << c.peak << ": " << source.f32()[i] << " " << source.f32()[n + i] << " " << source.f32()[2 * n + i];
        }
      }
    }
  }
}

TEST(ToneMapper, SameBitsEverywhere) {
  for (auto transfer : {pq, hlg}) {
    const auto mapper = ToneMapper::create(color(transfer, ColorPrimaries::bt2020), 1000);
    const Tensor source = random_picture(1100, -0.1f, 1.1f);
    Tensor whole = source.clone();
    mapper->run(whole.view());
    const ToneMapper copy = *mapper;
    for (int width : {1, 17, 511, 513}) {
      Tensor part(DType::f32, {1, 3, 1, width});
      for (int c = 0; c < 3; ++c) std::copy_n(source.as<float>() + c * 1100 + 7, width, part.as<float>() + c * width);
      copy.run(part.view());
      for (int c = 0; c < 3; ++c)
        EXPECT_TRUE(std::equal(part.as<float>() + c * width, part.as<float>() + (c + 1) * width,
                               whole.as<float>() + c * 1100 + 7))
            << width;
    }
    for_each_instruction_set([&](const std::string& name) {
      Tensor other = source.clone();
      mapper->run(other.view());
      EXPECT_EQ(std::memcmp(other.data(), whole.data(), whole.bytes()), 0) << name;
    });
  }
}

TEST(ToneMapper, BlackWhiteAndGarbage) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const auto mapper = ToneMapper::create(color(pq, ColorPrimaries::bt2020), 1000);
  const float in[5] = {0, 1, nan, infinity, -infinity}, out[5] = {0, 1, 0, 1, 0};
  Tensor picture(DType::f32, {1, 3, 1, 5});
  for (size_t i = 0; i < 15; ++i) picture.f32()[i] = in[i % 5];
  mapper->run(picture.view());
  for (size_t i = 0; i < 15; ++i) EXPECT_NEAR(picture.f32()[i], out[i % 5], 1e-6) << i;
}

}  // namespace
}  // namespace framelift
