#include "color/tone_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "color/pq.h"
#include "color/transfer.h"

namespace framelift {
namespace {

using enum TransferCharacteristic;

// Evaluated in another language straight from the Report's formulas.
TEST(Eetf, ValuesOfTheReportsFormulas) {
  struct Case {
    double source, target, nits[8];
  };
  constexpr double light[8] = {1, 50, 100, 203, 400, 600, 1000, 2000};
  const Case cases[] = {
      {1000, 203, {1, 50, 99.3610905, 159.041865, 193.60906, 201.324165, 203, 203}},
      {4000, 203, {1, 49.5490326, 85.8995475, 127.934454, 163.7492, 179.968332, 193.696264, 201.824737}},
      {600, 203, {1, 50, 100, 172.205732, 201.208962, 203, 203, 203}},
      {1000, 100, {1, 46.1429548, 69.454403, 88.2436405, 97.5984093, 99.575352, 100, 100}},
      {10000, 203, {1, 46.2700789, 75.6816881, 110.977894, 144.349373, 161.759457, 179.399917, 194.752868}},
  };
  for (const Case& c : cases) {
    const Eetf eetf(c.source, c.target);
    for (int i = 0; i < 8; ++i) EXPECT_NEAR(eetf(light[i]) / c.nits[i], 1, 1e-8) << c.source << " " << light[i];
  }
}

TEST(Eetf, RisesSmoothlyAndIsLevelAtThePeak) {
  for (double source : {300.0, 1000.0, 4000.0, 10000.0}) {
    const Eetf eetf(source, 203);
    double before = 0, slope_before = 1;
    constexpr int steps = 2000;
    for (int i = 1; i <= steps; ++i) {
      const double code = pq_inverse_eotf(source) * i / steps;
      const double now = pq_inverse_eotf(eetf(pq_eotf(code))), slope = (now - before) * steps / pq_inverse_eotf(source);
      EXPECT_GE(slope, -1e-9) << source << " " << i;
      EXPECT_NEAR(slope, slope_before, 0.02) << source << " " << i;  // no corner at the knee
      before = now;
      slope_before = slope;
    }
    EXPECT_NEAR(slope_before, 0, 0.005);
    EXPECT_NEAR(eetf(source), 203, 1e-6);
  }
}

TEST(Eetf, IsTheIdentityWhereTheDisplayIsBrighter) {
  for (double nits : {0.01, 10.0, 150.0, 203.0}) EXPECT_EQ(Eetf(203, 203)(nits), nits);
  EXPECT_EQ(Eetf(100, 203)(80), 80);
}

// As above: matrices from the chromaticities, curves and desaturation written again.
TEST(ToneMap, Colors) {
  const double signal[9][3] = {
      {0.5, 0.5, 0.5}, {0.58068, 0.58068, 0.58068}, {0.7, 0.3, 0.1}, {0.1, 0.75, 0.2}, {0.05, 0.1, 0.8},
      {0.9, 0.9, 0.4}, {0.2, 0.21, 0.19},           {1, 1, 1},       {0.3, 0.6, 0.6}};
  struct Case {
    TransferCharacteristic transfer;
    ColorPrimaries primaries;
    double peak, wanted[9][3];
  };
  const Case cases[] = {
      {pq,
       ColorPrimaries::bt2020,
       1000,
       {{0.71962085, 0.71962085, 0.71962085},
        {0.90330173, 0.90330173, 0.90330173},
        {1, 0.09032489, 0.31953044},
        {0.072889405, 0.96638001, 0.57362762},
        {0.0033249469, 0.22936056, 0.77089022},
        {1, 1, 0.23075934},
        {0.15206333, 0.17047224, 0.14511494},
        {1, 1, 1},
        {0.078767848, 0.91373718, 0.89070178}}},
      {pq,
       ColorPrimaries::bt2020,
       4000,
       {{0.68284547, 0.68284547, 0.68284547},
        {0.82498828, 0.82498828, 0.82498828},
        {1, 0.086375759, 0.30556012},
        {0.071426957, 0.94699063, 0.56211839},
        {0.0027482356, 0.22766645, 0.76598719},
        {1, 0.99983933, 0.21949003},
        {0.15206333, 0.17047224, 0.14511494},
        {1, 1, 1},
        {0.072091399, 0.83628782, 0.81520492}}},
      {pq,
       ColorPrimaries::display_p3,
       1000,
       {{0.71962085, 0.71962085, 0.71962085},
        {0.90330173, 0.90330173, 0.90330173},
        {1, 0.10823081, 0.14116728},
        {0.012539445, 0.98154598, 0.40197749},
        {0.094168969, 0.097725261, 1},
        {0.99717033, 0.99717033, 0.21310762},
        {0.15559496, 0.16946272, 0.14562578},
        {1, 1, 1},
        {0.10547006, 0.92822821, 0.92138625}}},
      {hlg,
       ColorPrimaries::bt2020,
       1000,
       {{0.56098687, 0.56098687, 0.56098687},
        {0.66561977, 0.66561977, 0.66561977},
        {0.93857127, 0.25478815, 0.13491297},
        {0.068341049, 0.86248028, 0.5299292},
        {0.013171274, 0.21581729, 0.67594894},
        {1, 0.99418445, 0.26338969},
        {0.22047989, 0.23618913, 0.21391546},
        {1, 1, 1},
        {0.10242781, 0.68724845, 0.67005702}}},
  };
  for (const Case& c : cases) {
    const auto map = ToneMap::create(c.transfer, c.primaries, c.peak);
    ASSERT_TRUE(map);
    for (int i = 0; i < 9; ++i) {
      double rgb[3] = {signal[i][0], signal[i][1], signal[i][2]};
      map->run(rgb);
      // Eight decimals are printed; near black the 2.4 power magnifies the rounding of constants.
      for (int j = 0; j < 3; ++j) EXPECT_NEAR(rgb[j], c.wanted[i][j], 2e-7) << c.peak << " " << i << " " << j;
    }
  }
}

TEST(ToneMap, GrayStaysGrayAndRises) {
  for (auto transfer : {pq, hlg}) {
    const auto map = ToneMap::create(transfer, ColorPrimaries::bt2020, 1000);
    double before = -1;
    for (int i = 0; i <= 1023; ++i) {
      double rgb[3] = {i / 1023.0, i / 1023.0, i / 1023.0};
      map->run(rgb);
      EXPECT_NEAR(rgb[0], rgb[1], 1e-9);
      EXPECT_NEAR(rgb[2], rgb[1], 1e-9);
      EXPECT_GE(rgb[1], before);
      before = rgb[1];
    }
    EXPECT_EQ(before, 1);
  }
}

// Every colour of the source's gamut arrives inside BT.709 with its luminance, unless it is brighter than white.
TEST(ToneMap, DesaturationKeepsLuminanceAndLeavesNothingNegative) {
  const auto map = ToneMap::create(pq, ColorPrimaries::bt2020, 1000);
  const Matrix3& m = map->gamut().to_bt709();
  int desaturated = 0;
  for (int r = 0; r <= 20; ++r)
    for (int g = 0; g <= 20; ++g)
      for (int b = 0; b <= 20; ++b) {
        double rgb[3] = {r / 20.0 * 0.45, g / 20.0 * 0.45, b / 20.0 * 0.45};  // up to 60 cd/m2: below the knee
        const double nits[3] = {pq_eotf(rgb[0]), pq_eotf(rgb[1]), pq_eotf(rgb[2])};
        map->run(rgb);
        double light = 0, linear = 0, smallest = 1;
        for (int i = 0; i < 3; ++i) {
          light += bt709_luminance_weights[i] * std::pow(rgb[i], 2.4);
          for (int j = 0; j < 3; ++j) linear += bt709_luminance_weights[i] * m.m[i][j] * nits[j];
          smallest = std::min(smallest, m.m[i][0] * nits[0] + m.m[i][1] * nits[1] + m.m[i][2] * nits[2]);
        }
        if (smallest < -1e-9) ++desaturated;
        // Would clipping alone pass? No: it adds to the luminance of every colour that has a negative component.
        EXPECT_NEAR(light, linear / hdr_reference_white_nits, 1e-9) << r << " " << g << " " << b;
      }
  EXPECT_GT(desaturated, 1000);
}

TEST(ToneMap, ModerateColorsAreOnlyConverted) {
  const auto map = ToneMap::create(pq, ColorPrimaries::bt2020, 1000);
  const double nits[3] = {40, 30, 25};
  double rgb[3] = {pq_inverse_eotf(nits[0]), pq_inverse_eotf(nits[1]), pq_inverse_eotf(nits[2])};
  map->run(rgb);
  const Vector3 light =
      multiply(rgb_to_rgb(ColorPrimaries::bt2020, ColorPrimaries::bt709), Vector3{{nits[0], nits[1], nits[2]}});
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(std::pow(rgb[i], 2.4) * hdr_reference_white_nits, light.v[i], 1e-9);
}

TEST(ToneMap, RefusesNonsense) {
  EXPECT_EQ(ToneMap::create(bt709, ColorPrimaries::bt709, 1000).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(ToneMap::create(hlg, ColorPrimaries::bt709, 1000).error().code, ErrorCode::unsupported);
  for (double peak : {0.0, 99.0, 20000.0, std::nan("")})
    EXPECT_EQ(ToneMap::create(pq, ColorPrimaries::bt2020, peak).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace framelift
