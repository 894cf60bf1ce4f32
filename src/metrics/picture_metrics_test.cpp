// PSNR, SSIM, Delta E ITP and PU21-PSNR against direct evaluations of their definitions in double precision, and
// against figures of other people's software.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "color/ictcp.h"
#include "color/pu21.h"
#include "metrics/hdr_difference.h"
#include "metrics/psnr.h"
#include "metrics/ssim.h"

namespace framelift {
namespace {

Tensor random_picture(const Shape& shape, float low, float high, unsigned seed) {
  Tensor t(DType::f32, shape);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(low, high);
  for (float& v : t.f32()) v = value(random);
  return t;
}

// a with noise.
Tensor distorted(const Tensor& a, float noise, unsigned seed) {
  Tensor b = random_picture(a.shape(), -noise, noise, seed);
  for (int64_t i = 0; i < a.elements(); ++i) b.f32()[static_cast<size_t>(i)] += a.f32()[static_cast<size_t>(i)];
  return b;
}

TEST(Psnr, OfAConstantDifference) {
  Tensor a = random_picture({1, 3, 7, 9}, 0, 0.5f, 1), b = a.clone();
  EXPECT_EQ(psnr(mean_squared_error(a.view(), b.view())), std::numeric_limits<double>::infinity());
  for (float& v : b.f32()) v += 0.25f;
  // The sum of a and 0.25 is rounded to float: 2^-24 of relative error, twice 4.3 dB each.
  EXPECT_NEAR(psnr(mean_squared_error(a.view(), b.view())), 20 * std::log10(4), 1e-6);
  EXPECT_NEAR(psnr(mean_squared_error(a.view(), b.view()), 256), 20 * std::log10(256 * 4), 1e-6);
}

TEST(Psnr, LumaIsTheWeightedSum) {
  Tensor rgb = random_picture({1, 3, 3, 5}, -0.1f, 1.1f, 2);
  Tensor luma(DType::f32, {1, 1, 3, 5});
  luma_plane(rgb.view(), luma_weights(MatrixCoefficients::bt709), luma.view());
  for (size_t i = 0; i < 15; ++i)
    EXPECT_FLOAT_EQ(luma.f32()[i], 0.2126f * rgb.f32()[i] + 0.7152f * rgb.f32()[15 + i] + 0.0722f * rgb.f32()[30 + i]);
}

// The paper's formula position by position, with the window as one 11x11 matrix.
double ssim_by_definition(const Tensor& a, const Tensor& b) {
  const int64_t height = a.shape()[2], width = a.shape()[3];
  double window[11][11], total = 0;
  for (int i = 0; i < 11; ++i)
    for (int j = 0; j < 11; ++j)
      total += window[i][j] = std::exp(-((i - 5) * (i - 5) + (j - 5) * (j - 5)) / (2 * 1.5 * 1.5));
  double sum = 0;
  for (int64_t y = 0; y + 11 <= height; ++y)
    for (int64_t x = 0; x + 11 <= width; ++x) {
      const auto mean = [&](auto&& f) {
        double m = 0;
        for (int i = 0; i < 11; ++i)
          for (int j = 0; j < 11; ++j) {
            const auto at = static_cast<size_t>((y + i) * width + x + j);
            m += window[i][j] / total * f(static_cast<double>(a.f32()[at]), static_cast<double>(b.f32()[at]));
          }
        return m;
      };
      const double mu_a = mean([](double p, double) { return p; }), mu_b = mean([](double, double q) { return q; });
      const double var_a = mean([&](double p, double) { return (p - mu_a) * (p - mu_a); });
      const double var_b = mean([&](double, double q) { return (q - mu_b) * (q - mu_b); });
      const double covariance = mean([&](double p, double q) { return (p - mu_a) * (q - mu_b); });
      sum += (2 * mu_a * mu_b + 0.0001) * (2 * covariance + 0.0009) /
             ((mu_a * mu_a + mu_b * mu_b + 0.0001) * (var_a + var_b + 0.0009));
    }
  return sum / static_cast<double>((height - 10) * (width - 10));
}

TEST(Ssim, EqualsTheDefinition) {
  Ssim ssim;  // one for all sizes
  for (const auto& [height, width] : {std::pair{11, 11}, {11, 30}, {23, 17}, {40, 64}})
    for (float noise : {0.01f, 0.3f}) {
      Tensor a = random_picture({1, 1, height, width}, 0, 1, 3), b = distorted(a, noise, 4);
      // Variances are differences of numbers below 1 in double: 1e-16 / C2.
      EXPECT_NEAR(ssim.run(a.view(), b.view()), ssim_by_definition(a, b), 1e-11) << height << "x" << width;
    }
}

TEST(Ssim, KnownValues) {
  Ssim ssim;
  Tensor a = random_picture({1, 1, 20, 20}, 0, 1, 5);
  EXPECT_EQ(ssim.run(a.view(), a.view()), 1);
  Tensor gray = Tensor::filled({1, 1, 20, 20}, 0.5f), light = Tensor::filled({1, 1, 20, 20}, 0.75f);
  // Flat pictures: the luminance term alone.
  EXPECT_NEAR(ssim.run(gray.view(), light.view()), (2 * 0.5 * 0.75 + 1e-4) / (0.25 + 0.5625 + 1e-4), 1e-12);
  Tensor negative = a.clone();
  for (float& v : negative.f32()) v = 1 - v;
  EXPECT_LT(ssim.run(a.view(), negative.view()), 0);  // structure the other way round
}

// By colour-science 0.4.7 (Python): colour.RGB_to_ICtCp(rgb, method="ITU-R BT.2100-2 PQ").
TEST(Ictcp, EqualsColourScience) {
  const struct {
    Vector3 rgb, ictcp;
  } cases[] = {{{{100, 100, 100}}, {{0.508078421517, 0.000000000000, 0.000000000000}}},
               {{{1000, 0, 0}}, {{0.608002448105, -0.164948315786, 0.443092500456}}},
               {{{0, 500, 20}}, {{0.625020667292, -0.382127679184, -0.123580910220}}},
               {{{3, 2, 400}}, {{0.410387375862, 0.275767050212, -0.238853876313}}},
               {{{0.02, 0.001, 0.3}}, {{0.038013220244, 0.081314624678, -0.030323417094}}},
               {{{5000, 10000, 203}}, {{0.972198426939, -0.391685933061, -0.016014112221}}}};
  for (const auto& c : cases) {
    const Vector3 found = ictcp(c.rgb);
    for (int i = 0; i < 3; ++i) EXPECT_NEAR(found.v[i], c.ictcp.v[i], 1e-11);  // printed digits
  }
}

// The example of colour-science's delta_E_ITP, printed with nine digits.
TEST(Ictcp, DifferenceEqualsColourScience) {
  EXPECT_NEAR(
      delta_e_itp({{0.4885468072, -0.04739350675, 0.07475401302}}, {{0.4899203231, -0.04567508203, 0.07361341775}}),
      1.42657228, 1e-8);
}

// The paper and the reference implementation: 0.005 cd/m2 -> 0, 100 -> 256, and 595.3939 at the top.
TEST(Pu21, KnownValues) {
  EXPECT_NEAR(pu21_encode(0.005), 0, 1e-6);
  EXPECT_NEAR(pu21_encode(100), 256, 0.5);
  EXPECT_NEAR(pu21_encode(10000), 595.3939, 1e-4);
  EXPECT_EQ(pu21_encode(0), pu21_encode(pu21_min_nits));
  EXPECT_EQ(pu21_encode(std::numeric_limits<double>::quiet_NaN()), pu21_encode(pu21_min_nits));
  EXPECT_EQ(pu21_encode(1e6), pu21_encode(pu21_max_nits));
}

TEST(HdrDifference, EqualsTheDefinitions) {
  const HdrDifference difference;
  for (const auto& [low, high] : {std::pair{0.0f, 1.0f}, {-0.1f, 1.1f}, {0.0f, 0.02f}, {0.4f, 0.6f}, {0.7f, 0.9f}})
    for (float noise : {0.001f, 0.05f}) {
      SCOPED_TRACE(fmt::format("{}..{} +-{}", low, high, noise));
      Tensor a = random_picture({1, 3, 40, 50}, low, high, 6), b = distorted(a, noise, 7);
      double delta_e = 0, squares = 0;
      for (size_t i = 0; i < 2000; ++i) {
        Vector3 x, y;
        for (size_t c = 0; c < 3; ++c) {
          x.v[c] = pq_eotf(static_cast<double>(a.f32()[c * 2000 + i]));
          y.v[c] = pq_eotf(static_cast<double>(b.f32()[c * 2000 + i]));
          squares += std::pow(pu21_encode(x.v[c]) - pu21_encode(y.v[c]), 2);
        }
        delta_e += delta_e_itp(ictcp(x), ictcp(y));
      }
      // As the header promises; the interpolation's error is largest close to black.
      EXPECT_NEAR(difference.mean_delta_e_itp(a.view(), b.view()), delta_e / 2000, 1e-3);
      EXPECT_NEAR(psnr(difference.pu21_squared_error(a.view(), b.view()), pu21_peak), psnr(squares / 6000, pu21_peak),
                  0.01);
    }
}

TEST(HdrDifference, EqualPicturesAndNotANumber) {
  const HdrDifference difference;
  Tensor a = random_picture({1, 3, 4, 4}, -1, 2, 8), black = Tensor::filled({1, 3, 4, 4}, 0);
  EXPECT_EQ(difference.mean_delta_e_itp(a.view(), a.view()), 0);
  EXPECT_EQ(difference.pu21_squared_error(a.view(), a.view()), 0);
  Tensor nan = Tensor::filled({1, 3, 4, 4}, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(difference.mean_delta_e_itp(nan.view(), black.view()), 0);
  EXPECT_EQ(difference.pu21_squared_error(nan.view(), black.view()), 0);
}

TEST(OctaveTable, FollowsTheCurveAndClamps) {
  const OctaveTable root(-10, 5, [](float x) { return std::sqrt(static_cast<double>(x)); });
  // Interpolation over a step of 1/1024: (1/1024)^2 / 8 times the curvature of a root, 1/4.
  for (double x = 0x1p-10; x <= 32; x *= 1.0001) ASSERT_NEAR(root(x), std::sqrt(x), 1e-7 * std::sqrt(x));
  EXPECT_EQ(root(32), std::sqrt(32.0));
  EXPECT_EQ(root(0), 0x1p-5);
  EXPECT_EQ(root(std::numeric_limits<double>::quiet_NaN()), 0x1p-5);
  EXPECT_EQ(root(1e9), std::sqrt(32.0));
}

}  // namespace
}  // namespace framelift
