// Chromaticities of primaries and the matrices between linear RGB and CIE 1931 XYZ. Header only, constexpr.
#pragma once

#include "color/color_info.h"
#include "color/matrix.h"

namespace framelift {

struct Chromaticity {
  double x = 0, y = 0;
};

inline constexpr Chromaticity white_d65{0.3127, 0.3290};
inline constexpr Chromaticity white_dci{0.314, 0.351};

struct Primaries {
  Chromaticity red, green, blue;
  Chromaticity white = white_d65;
};

// H.273 Table 2. `unspecified` is BT.709.
FRAMELIFT_HD constexpr Primaries chromaticities(ColorPrimaries primaries) {
  switch (primaries) {
    case ColorPrimaries::bt470bg: return {{0.64, 0.33}, {0.29, 0.60}, {0.15, 0.06}};
    case ColorPrimaries::smpte170m:
    case ColorPrimaries::smpte240m: return {{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}};
    case ColorPrimaries::bt2020: return {{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}};
    case ColorPrimaries::dci_p3: return {{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, white_dci};
    case ColorPrimaries::display_p3: return {{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}};
    default: return {{0.64, 0.33}, {0.30, 0.60}, {0.15, 0.06}};
  }
}

FRAMELIFT_HD constexpr Matrix3 multiply(const Matrix3& a, const Matrix3& b) {
  Matrix3 product;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 3; ++k) product.m[i][j] += a.m[i][k] * b.m[k][j];
  return product;
}

// Of an invertible matrix.
FRAMELIFT_HD constexpr Matrix3 inverse(const Matrix3& a) {
  const auto& m = a.m;
  Matrix3 adjugate;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      // Cyclic indices make the cofactor's sign come out by itself.
      const int r = (j + 1) % 3, s = (j + 2) % 3, c = (i + 1) % 3, d = (i + 2) % 3;
      adjugate.m[i][j] = m[r][c] * m[s][d] - m[r][d] * m[s][c];
    }
  const double determinant = m[0][0] * adjugate.m[0][0] + m[0][1] * adjugate.m[1][0] + m[0][2] * adjugate.m[2][0];
  for (auto& row : adjugate.m)
    for (double& x : row) x /= determinant;
  return adjugate;
}

struct Vector3 {
  double v[3] = {};
};

FRAMELIFT_HD constexpr Vector3 multiply(const Matrix3& a, const Vector3& x) {
  Vector3 product;
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 3; ++k) product.v[i] += a.m[i][k] * x.v[k];
  return product;
}

// XYZ of a chromaticity with Y = 1.
FRAMELIFT_HD constexpr Vector3 xyz_of(Chromaticity c) { return {{c.x / c.y, 1, (1 - c.x - c.y) / c.y}}; }

// Linear RGB (1, 1, 1 = white with Y = 1) -> XYZ: the primaries' XYZ in columns, scaled so that they add up to white.
FRAMELIFT_HD constexpr Matrix3 rgb_to_xyz(const Primaries& p) {
  Matrix3 columns;
  const Vector3 primary[3] = {xyz_of(p.red), xyz_of(p.green), xyz_of(p.blue)};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) columns.m[i][j] = primary[j].v[i];
  const Vector3 scale = multiply(inverse(columns), xyz_of(p.white));
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) columns.m[i][j] *= scale.v[j];
  return columns;
}

FRAMELIFT_HD constexpr Matrix3 rgb_to_xyz(ColorPrimaries primaries) { return rgb_to_xyz(chromaticities(primaries)); }

// Bradford's linear adaptation from one white to another; the identity for equal ones. Of the named ones only DCI-P3 is
// not D65.
FRAMELIFT_HD constexpr Matrix3 adapt_white(Chromaticity from, Chromaticity to) {
  if (from.x == to.x && from.y == to.y) return {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  const Matrix3 cone{{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}};
  const Vector3 source = multiply(cone, xyz_of(from)), target = multiply(cone, xyz_of(to));
  Matrix3 scale;
  for (int i = 0; i < 3; ++i) scale.m[i][i] = target.v[i] / source.v[i];
  return multiply(inverse(cone), multiply(scale, cone));
}

// Linear RGB of one set of primaries -> another. White stays white.
FRAMELIFT_HD constexpr Matrix3 rgb_to_rgb(const Primaries& from, const Primaries& to) {
  return multiply(inverse(rgb_to_xyz(to)), multiply(adapt_white(from.white, to.white), rgb_to_xyz(from)));
}

FRAMELIFT_HD constexpr Matrix3 rgb_to_rgb(ColorPrimaries from, ColorPrimaries to) {
  return rgb_to_rgb(chromaticities(from), chromaticities(to));
}

// The name of chromaticities, each within 0.001 of its definition; `unspecified` for those without.
FRAMELIFT_HD constexpr ColorPrimaries known_primaries(const Primaries& p) {
  const auto near = [](double a, double b) { return a - b < 0.001 && b - a < 0.001; };
  constexpr ColorPrimaries names[] = {ColorPrimaries::bt709,  ColorPrimaries::bt2020,  ColorPrimaries::display_p3,
                                      ColorPrimaries::dci_p3, ColorPrimaries::bt470bg, ColorPrimaries::smpte170m};
  for (ColorPrimaries name : names) {
    const Primaries q = chromaticities(name);
    const Chromaticity left[4] = {p.red, p.green, p.blue, p.white}, right[4] = {q.red, q.green, q.blue, q.white};
    bool same = true;
    for (int i = 0; i < 4; ++i) same = same && near(left[i].x, right[i].x) && near(left[i].y, right[i].y);
    if (same) return name;
  }
  return ColorPrimaries::unspecified;
}

// True where both names stand for the same colours.
FRAMELIFT_HD constexpr bool same_primaries(ColorPrimaries a, ColorPrimaries b) {
  const Primaries p = chromaticities(a), q = chromaticities(b);
  const Chromaticity left[4] = {p.red, p.green, p.blue, p.white}, right[4] = {q.red, q.green, q.blue, q.white};
  for (int i = 0; i < 4; ++i)
    if (left[i].x != right[i].x || left[i].y != right[i].y) return false;
  return true;
}

}  // namespace framelift
