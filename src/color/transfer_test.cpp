#include "color/transfer.h"

#include <gtest/gtest.h>

#include <limits>

namespace framelift {
namespace {

using enum TransferCharacteristic;

constexpr TransferCharacteristic transfers[] = {bt709, gamma22,   gamma28,   smpte170m, smpte240m, linear,
                                                srgb,  bt2020_10, bt2020_12, pq,        hlg};

TEST(Transfer, PairsAreInverses) {
  for (TransferCharacteristic transfer : transfers)
    for (int i = 0; i <= 1000; ++i) {
      const double x = i / 1000.0;
      EXPECT_NEAR(oetf(transfer, inverse_oetf(transfer, x)), x, 1e-6) << static_cast<int>(transfer) << " at " << x;
      EXPECT_NEAR(inverse_eotf(transfer, eotf(transfer, x)), x, 1e-6) << static_cast<int>(transfer) << " at " << x;
    }
}

TEST(Transfer, FloatFollowsDouble) {
  for (TransferCharacteristic transfer : transfers)
    for (int i = 0; i <= 1000; ++i) {
      const double x = i / 1000.0;
      const auto f = static_cast<float>(x);
      EXPECT_NEAR(oetf(transfer, f), oetf(transfer, double{f}), 2e-5) << static_cast<int>(transfer) << " at " << x;
      // PQ in float magnifies rounding: a relative error of up to 5e-5, below a hundredth of a 12-bit code.
      EXPECT_NEAR(eotf(transfer, f), eotf(transfer, double{f}), transfer == pq ? 5e-5 : 1e-6)
          << static_cast<int>(transfer) << " at " << x;
    }
}

TEST(Transfer, EndsAndMirror) {
  for (TransferCharacteristic transfer : transfers) {
    EXPECT_NEAR(oetf(transfer, 0.0), 0, 1e-6) << static_cast<int>(transfer);  // PQ: 0.0000007
    EXPECT_EQ(eotf(transfer, 0.0), 0) << static_cast<int>(transfer);
    EXPECT_NEAR(oetf(transfer, 1.0), 1, 1e-7) << static_cast<int>(transfer);
    EXPECT_NEAR(eotf(transfer, 1.0), 1, 1e-7) << static_cast<int>(transfer);
    if (transfer == pq) continue;
    EXPECT_EQ(oetf(transfer, -0.3), -oetf(transfer, 0.3)) << static_cast<int>(transfer);
    EXPECT_EQ(eotf(transfer, -0.3), -eotf(transfer, 0.3)) << static_cast<int>(transfer);
  }
}

TEST(Transfer, CurvesAreContinuous) {
  for (TransferCharacteristic transfer : transfers)
    for (int i = 1; i <= 100000; ++i) {
      const double low = (i - 1) * 1e-5, high = i * 1e-5;
      const double step = inverse_oetf(transfer, high) - inverse_oetf(transfer, low);
      EXPECT_GE(step, 0) << static_cast<int>(transfer) << " at " << high;
      EXPECT_LE(step, 1e-4) << static_cast<int>(transfer) << " at " << high;
    }
}

// Numbers that the standards print.
TEST(Transfer, PublishedValues) {
  EXPECT_NEAR(bt709_oetf(0.018), 0.081, 1e-4);
  EXPECT_NEAR(bt709_oetf(0.18), 0.409, 5e-4);  // the 18% gray card
  EXPECT_NEAR(srgb_eotf(0.5), 0.214041, 5e-7);
  EXPECT_NEAR(srgb_inverse_eotf(0.18), 0.461356, 5e-7);
  EXPECT_NEAR(smpte240m_oetf(0.0228), 0.0912, 1e-4);
  EXPECT_NEAR(pq_inverse_eotf(100.0), 0.508078, 5e-7);
  EXPECT_NEAR(pq_inverse_eotf(203.0), 0.58, 1e-3);  // HDR Reference White, BT.2408
  EXPECT_NEAR(pq_inverse_eotf(1000.0), 0.751827, 5e-7);
  EXPECT_NEAR(pq_inverse_eotf(4000.0), 0.902572, 5e-7);
}

TEST(Pq, EndsAndBeyond) {
  EXPECT_EQ(pq_eotf(1.0), 10000);
  EXPECT_EQ(pq_eotf(0.0), 0);
  EXPECT_EQ(pq_eotf(-1.0f), 0);
  EXPECT_EQ(pq_eotf(std::numeric_limits<double>::quiet_NaN()), 0);
  EXPECT_NEAR(pq_inverse_eotf(pq_peak_nits), 1, 1e-15);
}

TEST(Hlg, PublishedValues) {
  EXPECT_NEAR(hlg::c, 0.5 - hlg::a * std::log(4 * hlg::a), 1e-8);
  EXPECT_NEAR(hlg_oetf(1.0 / 12), 0.5, 1e-9);
  EXPECT_NEAR(hlg_oetf(1.0), 1, 1e-8);
  EXPECT_NEAR(hlg_oetf(0.265), 0.75, 5e-4);
  // BT.2390: the system gamma of displays from 400 to 2000 cd/m2.
  const double table[][2] = {{400, 1.03}, {600, 1.11}, {800, 1.16}, {1000, 1.2}, {1500, 1.27}, {2000, 1.33}};
  for (auto [nits, gamma] : table) EXPECT_NEAR(hlg_system_gamma(nits), gamma, 0.005) << nits;
  for (double nits : {400.0, 2000.0})
    EXPECT_NEAR(hlg_system_gamma(nits), 1.2 * std::pow(1.111, std::log2(nits / 1000)), 0.015) << nits;
  // BT.2408: HDR Reference White is 75% HLG and 203 cd/m2 on a display of 1000.
  double white[3];
  for (double& x : white) x = hlg_inverse_oetf(0.75);
  hlg_ootf(white, hlg_system_gamma(1000));
  EXPECT_NEAR(1000 * white[0], 203, 0.5);
}

TEST(Hlg, OotfKeepsChromaticityAndInverts) {
  const double light[3] = {0.3, 0.02, 0.7};
  double rgb[3] = {light[0], light[1], light[2]};
  hlg_ootf(rgb, 1.2);
  EXPECT_NEAR(rgb[0] / rgb[2], light[0] / light[2], 1e-12);
  EXPECT_NEAR(bt2020_luminance(rgb), std::pow(bt2020_luminance(light), 1.2), 1e-12);
  hlg_inverse_ootf(rgb, 1.2);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(rgb[i], light[i], 1e-12);
  double black[3] = {0, 0, 0};
  hlg_inverse_ootf(black, 1.2);
  EXPECT_EQ(black[1], 0);
}

TEST(Bt1886, FollowsItsParameters) {
  EXPECT_NEAR(bt1886_eotf(0.5, {}), std::pow(0.5, 2.4), 1e-15);
  const Bt1886 display{2.4, 100, 0.1};
  EXPECT_NEAR(bt1886_eotf(0.0, display), 0.1, 1e-12);
  EXPECT_NEAR(bt1886_eotf(1.0, display), 100, 1e-9);
  // a and b as Annex 1 writes them.
  const double white = std::pow(100.0, 1 / 2.4), black = std::pow(0.1, 1 / 2.4);
  const double a = std::pow(white - black, 2.4), b = black / (white - black);
  EXPECT_NEAR(bt1886_eotf(0.4, display), a * std::pow(0.4 + b, 2.4), 1e-9);
  EXPECT_EQ(bt1886_eotf(-1.0, display), 0);
  for (double v : {0.0, 0.1, 0.5, 1.0}) EXPECT_NEAR(bt1886_inverse_eotf(bt1886_eotf(v, display), display), v, 1e-12);
}

}  // namespace
}  // namespace framelift
