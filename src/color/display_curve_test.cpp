#include "color/display_curve.h"

#include <gtest/gtest.h>

#include <cmath>

#include "color/transfer.h"

namespace framelift {
namespace {

double gray(const DisplayMap& map, double light) {
  double rgb[3] = {light, light, light};
  map.run(rgb);
  // Luminance weights add up to 1 but for rounding.
  EXPECT_NEAR(rgb[0], rgb[1], 1e-15);
  EXPECT_NEAR(rgb[0], rgb[2], 1e-15);
  return rgb[1];
}

double light_of(const DisplayMap& map, double light) { return srgb_eotf(gray(map, light)); }

constexpr double rounding = 1e-12;  // of a handful of operations in double

TEST(DisplayCurve, LogIsTheSignalItself) {
  const DisplayMap map(DisplayCurve::log, {.largest_component = 3, .largest_luminance = 3}, 0);
  EXPECT_EQ(gray(map, 0), 0);
  EXPECT_NEAR(gray(map, 1), 0.5, rounding);  // log 2 / log 4
  EXPECT_NEAR(gray(map, 3), 1, rounding);
  EXPECT_EQ(gray(map, -1), 0);
  EXPECT_EQ(gray(DisplayMap(DisplayCurve::log, {}, 0), 0), 0);  // a black picture
}

TEST(DisplayCurve, ReinhardTakesTheBrightestToWhite) {
  const DisplayMap map(DisplayCurve::reinhard, {.largest_component = 8, .largest_luminance = 8}, 0);
  EXPECT_NEAR(light_of(map, 8), 1, 1e-7);  // sRGB's branches meet within 3e-8
  EXPECT_NEAR(light_of(map, 1), (1 + 1.0 / 64) / 2, 1e-7);
  const DisplayMap dark(DisplayCurve::reinhard, {.largest_component = 0.5, .largest_luminance = 0.5}, 0);
  EXPECT_NEAR(light_of(dark, 0.4), 0.4, 1e-7);  // nothing above white: nothing changes
  // Ratios of components stay.
  double rgb[3] = {2, 1, 0.5};
  map.run(rgb);
  EXPECT_NEAR(srgb_eotf(rgb[0]) / srgb_eotf(rgb[1]), 2, 1e-6);
  EXPECT_NEAR(srgb_eotf(rgb[1]) / srgb_eotf(rgb[2]), 2, 1e-6);
}

// Computed by hand from the published coefficients.
TEST(DisplayCurve, AcesHasThePublishedValues) {
  const DisplayMap map(DisplayCurve::aces, {.largest_component = 100, .largest_luminance = 100}, 0);
  EXPECT_NEAR(light_of(map, 0), 0, rounding);
  EXPECT_NEAR(light_of(map, 0.18), 0.2668989, 1e-6);  // 0.086724 / 0.324932
  EXPECT_NEAR(light_of(map, 1), 0.8037975, 1e-6);     // 2.54 / 3.16
  EXPECT_NEAR(light_of(map, 100), 1, 1e-7);           // 1.03 is clipped
}

TEST(DisplayCurve, Bt2390LeavesDarksAndTakesThePeakToWhite) {
  const DisplayMap map(DisplayCurve::bt2390, {.largest_component = 10, .largest_luminance = 10}, 100);  // 1000 cd/m2
  EXPECT_NEAR(light_of(map, 0.5), 50.0 / 203, 1e-7);  // 50 cd/m2 lies below the knee of 88
  EXPECT_NEAR(light_of(map, 10), 1, 1e-6);
  EXPECT_NEAR(light_of(map, 4), 194.0 / 203, 0.5 / 203);  // the table of docs/colour.md, in whole cd/m2
  const DisplayMap dark(DisplayCurve::bt2390, {.largest_component = 1, .largest_luminance = 1}, 0);
  for (double x : {0.01, 0.5, 1.0}) EXPECT_NEAR(light_of(dark, x), x, 1e-7);
}

TEST(DisplayCurve, NoneClips) {
  const DisplayMap map(DisplayCurve::none, {.largest_component = 9, .largest_luminance = 9}, 0);
  EXPECT_NEAR(light_of(map, 0.25), 0.25, 1e-7);
  EXPECT_NEAR(gray(map, 9), 1, rounding);
}

TEST(DisplayCurve, AllRiseAndStayInRange) {
  for (auto curve :
       {DisplayCurve::none, DisplayCurve::log, DisplayCurve::reinhard, DisplayCurve::aces, DisplayCurve::bt2390})
    for (double largest : {0.3, 1.0, 20.0, 65504.0}) {
      const DisplayMap map(curve, {largest, largest}, 0);
      double last = 0;
      for (int i = 0; i <= 1000; ++i) {
        const double signal = gray(map, largest * std::pow(i / 1000.0, 4));
        EXPECT_GE(signal, last - 1e-9) << static_cast<int>(curve) << " " << largest << " " << i;
        EXPECT_LE(signal, 1);
        last = signal;
      }
    }
}

TEST(GamutMap, BringsEveryColourOfWiderPrimariesInside) {
  const GamutMap map(chromaticities(ColorPrimaries::bt2020));
  for (int r = 0; r <= 8; ++r)
    for (int g = 0; g <= 8; ++g)
      for (int b = 0; b <= 8; ++b) {
        double rgb[3] = {r / 2.0, g / 2.0, b / 2.0};
        const Vector3 linear = multiply(map.to_bt709(), Vector3{{rgb[0], rgb[1], rgb[2]}});
        const double y = bt709_luminance(linear.v);
        map.run(rgb);
        EXPECT_NEAR(bt709_luminance(rgb), y, 1e-12);
        for (double x : rgb) EXPECT_GE(x, -1e-12);
        if (r == g && g == b) {
          for (double x : rgb) EXPECT_NEAR(x, r / 2.0, 1e-12);
        }
      }
}

TEST(KnownPrimaries, FindsNamesWithinAThousandth) {
  for (auto name : {ColorPrimaries::bt709, ColorPrimaries::bt2020, ColorPrimaries::display_p3, ColorPrimaries::dci_p3,
                    ColorPrimaries::bt470bg, ColorPrimaries::smpte170m}) {
    Primaries p = chromaticities(name);
    EXPECT_EQ(known_primaries(p), name);
    p.green.y += 0.0009;
    EXPECT_EQ(known_primaries(p), name);
    p.green.y += 0.0005;
    EXPECT_EQ(known_primaries(p), ColorPrimaries::unspecified);
  }
}

}  // namespace
}  // namespace framelift
