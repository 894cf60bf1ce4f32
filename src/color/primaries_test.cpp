#include "color/primaries.h"

#include <gtest/gtest.h>

namespace framelift {
namespace {

using enum ColorPrimaries;

constexpr ColorPrimaries all[] = {bt709, bt470bg, smpte170m, smpte240m, bt2020, dci_p3, display_p3};

void expect_near(const Matrix3& a, const Matrix3& b, double tolerance) {
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) EXPECT_NEAR(a.m[i][j], b.m[i][j], tolerance) << i << ", " << j;
}

TEST(Primaries, PublishedMatricesToXyz) {
  // IEC 61966-2-1, BT.2100 as BT.2446 prints it, SMPTE EG 432-1, Apple's Display P3 profile.
  expect_near(rgb_to_xyz(bt709), {{{0.4124, 0.3576, 0.1805}, {0.2126, 0.7152, 0.0722}, {0.0193, 0.1192, 0.9505}}},
              6e-5);
  expect_near(rgb_to_xyz(bt2020), {{{0.6370, 0.1446, 0.1689}, {0.2627, 0.6780, 0.0593}, {0, 0.0281, 1.0610}}}, 6e-5);
  expect_near(rgb_to_xyz(dci_p3),
              {{{0.4451698, 0.2771344, 0.1722827}, {0.2094917, 0.7215953, 0.0689131}, {0, 0.0470606, 0.9073554}}},
              1e-7);
  expect_near(rgb_to_xyz(display_p3), {{{0.4866, 0.2657, 0.1982}, {0.2290, 0.6917, 0.0793}, {0, 0.0451, 1.0439}}},
              6e-5);
}

TEST(Primaries, Bt2087Matrices) {
  expect_near(rgb_to_rgb(bt709, bt2020),
              {{{0.6274, 0.3293, 0.0433}, {0.0691, 0.9195, 0.0114}, {0.0164, 0.0880, 0.8956}}}, 6e-5);
  // BT.2407 prints the other direction.
  expect_near(rgb_to_rgb(bt2020, bt709),
              {{{1.6605, -0.5876, -0.0728}, {-0.1246, 1.1329, -0.0083}, {-0.0182, -0.1006, 1.1187}}}, 6e-5);
}

TEST(Primaries, EveryPair) {
  const Matrix3 identity{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  for (ColorPrimaries from : all)
    for (ColorPrimaries to : all) {
      const Matrix3 matrix = rgb_to_rgb(from, to);
      for (const auto& row : matrix.m) EXPECT_NEAR(row[0] + row[1] + row[2], 1, 1e-14);  // white stays white
      expect_near(multiply(rgb_to_rgb(to, from), matrix), identity, 1e-14);
      if (same_primaries(from, to)) expect_near(matrix, identity, 1e-14);
    }
  EXPECT_TRUE(same_primaries(smpte170m, smpte240m));
  EXPECT_FALSE(same_primaries(smpte170m, bt470bg));
  EXPECT_FALSE(same_primaries(dci_p3, display_p3));
}

// All of it can be computed by the compiler.
constexpr Matrix3 at_compile_time = rgb_to_rgb(dci_p3, bt2020);
static_assert(at_compile_time.m[0][0] > 0.7 && at_compile_time.m[0][0] < 0.8);

}  // namespace
}  // namespace framelift
