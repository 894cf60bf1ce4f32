#include "compress/bd_rate.h"

#include <gtest/gtest.h>

#include <vector>

namespace framelift {
namespace {

using Curve = std::vector<RatePoint>;

const Curve slow{{.0342, 37.4}, {.0169, 34.3}, {.0092, 31.4}, {.0051, 28.9}};
const Curve fast{{.0337, 38.8}, {.0154, 36.5}, {.0090, 34.6}, {.0044, 32.0}};

// From NumPy: polyfit of ln(rate) over PSNR (of the highest degree up to 3), polyint, polyval at the ends of what both
// have, exp of the mean difference.
TEST(BdRate, AgreesWithNumpy) {
  const Curve five{{.0342, 37.4}, {.0169, 34.3}, {.0120, 32.8}, {.0092, 31.4}, {.0051, 28.9}};
  const Curve two{{.02, 36}, {.01, 33}};
  constexpr double tolerance = 1e-9;  // two ways to solve the same small systems in float64
  EXPECT_NEAR(bd_rate(slow, fast).value(), -0.49768141708587754, tolerance);
  EXPECT_NEAR(bd_rate(fast, slow).value(), 0.9907684764490634, tolerance);
  EXPECT_NEAR(bd_rate(five, fast).value(), -0.493913639825986, tolerance);
  EXPECT_NEAR(bd_rate(slow, two).value(), -0.19969043574039858, tolerance);
}

TEST(BdRate, TwiceTheRateIsTwiceTheRate) {
  Curve twice = slow;
  for (RatePoint& point : twice) point.bits_per_pixel *= 2;
  EXPECT_NEAR(bd_rate(slow, twice).value(), 1, 1e-9);
  EXPECT_NEAR(bd_rate(slow, slow).value(), 0, 1e-9);
}

TEST(RateAt, LiesBetweenItsNeighbours) {
  const Curve curve{{.01, 30}, {.04, 34}, {.08, 37}};
  EXPECT_NEAR(rate_at(curve, 30).value(), .01, 1e-12);
  EXPECT_NEAR(rate_at(curve, 32).value(), .02, 1e-12);  // the geometric mean in the middle
  EXPECT_NEAR(rate_at(curve, 37).value(), .08, 1e-12);
  EXPECT_FALSE(rate_at(curve, 29.9));
  EXPECT_FALSE(rate_at(curve, 37.1));
  EXPECT_FALSE(rate_at({}, 30));
}

TEST(BdRate, Impossible) {
  EXPECT_FALSE(bd_rate(slow, Curve{{.01, 35}}));
  EXPECT_FALSE(bd_rate(slow, Curve{{.1, 45}, {.2, 48}}));
  EXPECT_FALSE(bd_rate(slow, Curve{{.01, 35}, {.02, 35}, {.03, 30}}));
}

}  // namespace
}  // namespace framelift
