#include "color/bt2446.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "color/pq.h"
#include "color/primaries.h"
#include "color/transfer.h"

namespace framelift {
namespace {

constexpr Bt2446Method methods[] = {Bt2446Method::a, Bt2446Method::c};
constexpr double peaks[] = {200, 400, 600, 1000, 1500, 2000, 4000, 10000};

Bt2446 made(Bt2446Method method, double peak_nits = 1000, double crosstalk = 0) {
  return *Bt2446::create(method, peak_nits, crosstalk);
}

TEST(Bt2446, GrayRampRisesFromBlackWithoutJumps) {
  for (Bt2446Method method : methods)
    for (double peak : peaks) {
      const Bt2446 map = made(method, peak);
      double before = pq_inverse_eotf(map.gray_nits(0));
      EXPECT_LT(before, 1e-6);
      for (int code = 1; code <= 4095; ++code) {
        const double now = pq_inverse_eotf(map.gray_nits(code / 4095.0));
        EXPECT_GT(now, before) << static_cast<int>(method) << " at " << peak << ", code " << code;
        // Near black PQ is steep; later no 12-bit step comes out as more than three.
        if (code > 100) {
          EXPECT_LT(now - before, 3.0 / 4095) << static_cast<int>(method) << " at " << peak << ", " << code;
        }
        before = now;
      }
    }
}

// Where the exponent changes its polynomial, the Report's rounded coefficients leave a step down of 1.3e-5 of luma.
TEST(Bt2446, BranchesMeet) {
  for (double signal : {70 / 255.0, 0.8}) {
    for (Bt2446Method method : methods) {
      const Bt2446 map = made(method);
      const double low = map.gray_nits(signal - 1e-9), high = map.gray_nits(signal + 1e-9);
      EXPECT_NEAR(pq_inverse_eotf(low), pq_inverse_eotf(high), 2e-5) << static_cast<int>(method) << " at " << signal;
    }
  }
}

TEST(Bt2446, ReferenceLevels) {
  // Method A: white is 255^1.24656 = 999.8 thousandths of the gamma-coded peak; the other levels are Table 4 by hand.
  const double table_a[][2] = {{1.0, 999.525}, {0.8, 357.713}, {0.5, 76.2809}, {0.2, 6.50972}, {0.1, 1.10099}};
  for (auto [signal, nits] : table_a) EXPECT_NEAR(made(Bt2446Method::a).gray_nits(signal) / nits, 1, 1e-5) << signal;
  for (double peak : peaks) {
    EXPECT_NEAR(made(Bt2446Method::a, peak).gray_nits(1) / peak, 1, 6e-4);
    // Method C: what it is derived from.
    const Bt2446 c = made(Bt2446Method::c, peak);
    const double gamma = hlg_system_gamma(peak);
    EXPECT_NEAR(c.gray_nits(0.7) / (peak * std::pow(hlg_inverse_oetf(0.5), gamma)), 1, 1e-6) << peak;
    EXPECT_NEAR(c.gray_nits(0.96) / (peak * std::pow(hlg_inverse_oetf(0.75), gamma)), 1, 1e-6) << peak;
  }
  EXPECT_NEAR(made(Bt2446Method::c).gray_nits(0.96), 203, 0.5);
  EXPECT_NEAR(made(Bt2446Method::c).gray_nits(std::pow(1.184, 1 / 2.4)), 1000, 3);  // super-white
  EXPECT_NEAR(made(Bt2446Method::c).gray_nits(1.3), 1000, 1e-6);                    // clipped
}

// The Report prints Method C's parameters for 1000 cd/m2.
TEST(Bt2446, MethodCHasThePublishedParameters) {
  const double k1 = 0.83802, k2 = 15.09968, k3 = 0.74204, k4 = 78.99439, inflection = 58.535;
  const Bt2446 map = made(Bt2446Method::c);
  for (int i = 1; i <= 100; ++i) {
    const double sdr = 100 * std::pow(i / 100.0, 2.4);
    const double hdr = sdr < inflection ? sdr / k1 : (std::exp((sdr - k4) / k2) + k3) * inflection / k1;
    EXPECT_NEAR(map.gray_nits(i / 100.0) / hdr, 1, 3e-5) << i;
  }
}

// An evaluation in another language straight from the Report's tables: matrices through XYZ, k1 to k4 as printed and
// the inflection at 58.5 (hence the tolerance).
TEST(Bt2446, Colors) {
  struct Case {
    double sdr[3], a[3], c[3], c_crosstalk[3];
  };
  const Case cases[] = {
      {{0.8, 0.4, 0.2}, {0.562604, 0.451205, 0.319928}, {0.436979, 0.343228, 0.241316}, {0.436979, 0.343228, 0.241316}},
      {{0.1, 0.9, 0.3}, {0.542077, 0.65702, 0.453605}, {0.396137, 0.492232, 0.327489}, {0.396137, 0.492232, 0.327489}},
      {{1, 0, 0}, {0.607599, 0.376237, 0.244289}, {0.479323, 0.2847, 0.186887}, {0.479323, 0.2847, 0.186887}},
      {{0.9, 0.95, 1}, {0.712575, 0.72033, 0.733877}, {0.556446, 0.563313, 0.575382}, {0.55755, 0.56442, 0.576497}}};
  for (const Case& test : cases) {
    const auto expect = [&](const Bt2446& map, const double(&wanted)[3]) {
      double rgb[3] = {test.sdr[0], test.sdr[1], test.sdr[2]};
      map.run(rgb);
      for (int i = 0; i < 3; ++i) EXPECT_NEAR(rgb[i], wanted[i], 1e-4) << test.sdr[0] << " " << i;
    };
    expect(made(Bt2446Method::a), test.a);
    expect(made(Bt2446Method::c), test.c);
    expect(made(Bt2446Method::c, 1000, 0.04), test.c_crosstalk);
  }
}

// HDR -> SDR as section 4.1 has it gives back the SDR luma; its inverse in section 4.2 is a fit.
TEST(Bt2446, MethodAUndoesItsToneMappingAtEveryPeak) {
  const auto bend = [](double peak) { return 1 + 32 * std::pow(peak / 10000, 1 / 2.4); };
  for (double peak : peaks) {
    const Bt2446 map = made(Bt2446Method::a, peak);
    for (int i = 10; i <= 100; ++i) {
      const double luma = std::pow(map.gray_nits(i / 100.0) / peak, 1 / 2.4);
      const double p = std::log(1 + (bend(peak) - 1) * luma) / std::log(bend(peak));
      const double c = p <= 0.7399 ? 1.0770 * p : p < 0.9909 ? -1.1510 * p * p + 2.7811 * p - 0.6302 : 0.5 * p + 0.5;
      const double sdr = (std::pow(bend(100), c) - 1) / (bend(100) - 1);
      EXPECT_NEAR(sdr, i / 100.0, 0.015) << peak;
    }
  }
}

TEST(Bt2446, MethodCUndoesItsToneMappingExactly) {
  const double alpha = 0.1, sdr[3] = {0.95, 0.6, 0.3};
  const Matrix3 crosstalk{
      {{1 - 2 * alpha, alpha, alpha}, {alpha, 1 - 2 * alpha, alpha}, {alpha, alpha, 1 - 2 * alpha}}};
  const Bt2446 map = made(Bt2446Method::c, 1000, alpha);
  double rgb[3] = {sdr[0], sdr[1], sdr[2]};
  map.run(rgb);
  Vector3 light{{pq_eotf(rgb[0]), pq_eotf(rgb[1]), pq_eotf(rgb[2])}};
  Vector3 xyz = multiply(rgb_to_xyz(ColorPrimaries::bt2020), multiply(crosstalk, light));
  const double y = xyz.v[1], inflection = 58.535 / 0.83802;
  const double mapped = y < inflection ? 0.83802 * y : 15.09968 * std::log(y / inflection - 0.74204) + 78.99439;
  for (double& v : xyz.v) v *= mapped / y;
  light = multiply(inverse(crosstalk), multiply(inverse(rgb_to_xyz(ColorPrimaries::bt2020)), xyz));
  light = multiply(rgb_to_rgb(ColorPrimaries::bt2020, ColorPrimaries::bt709), light);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(std::pow(light.v[i] / 100, 1 / 2.4), sdr[i], 1e-4);
}

TEST(Bt2446, StaysInRangeAndKeepsGrayNeutral) {
  for (Bt2446Method method : methods)
    for (double peak : {400.0, 1000.0, 4000.0}) {
      const Bt2446 map = made(method, peak, 0.05);
      for (double r : {-0.1, 0.0, 0.3, 1.0, 1.09})
        for (double g : {-0.1, 0.0, 0.3, 1.0, 1.09})
          for (double b : {-0.1, 0.0, 0.3, 1.0, 1.09}) {
            double rgb[3] = {r, g, b};
            map.run(rgb);
            const double limit = pq_inverse_eotf(peak) + 1e-12;
            for (double x : rgb) EXPECT_TRUE(x >= 0 && x <= limit) << r << " " << g << " " << b;
            if (r == g && g == b) {
              EXPECT_NEAR(rgb[0], rgb[2], 1e-6);
            }
          }
    }
}

TEST(Bt2446, RefusesNonsense) {
  for (double peak : {0.0, 100.0, 20000.0, std::nan("")})
    EXPECT_EQ(Bt2446::create(Bt2446Method::a, peak).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Bt2446::create(Bt2446Method::c, 1000, 0.4).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace framelift
