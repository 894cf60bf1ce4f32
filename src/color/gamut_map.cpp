#include "color/gamut_map.h"

#include <algorithm>

namespace framelift {
namespace {

// How far below its luminance the smallest component lies.
double saturation(const double (&rgb)[3], double y) { return y > 0 ? 1 - *std::ranges::min_element(rgb) / y : 0; }

// k, see the header. The saturation is a maximum of ratios of linear functions, so the limit is at a primary.
double bend_of(const Matrix3& to_bt709) {
  double limit = 0;
  for (int primary = 0; primary < 3; ++primary) {
    const double rgb[3] = {to_bt709.m[0][primary], to_bt709.m[1][primary], to_bt709.m[2][primary]};
    limit = std::max(limit, saturation(rgb, bt709_luminance(rgb)));
  }
  constexpr double start = GamutMap::desaturation_start, rounding = 1e-9;
  return limit > 1 + rounding ? (limit - start) * (1 - start) / (limit - 1) : 0;
}

}  // namespace

double bt709_luminance(const double (&rgb)[3]) {
  const auto& weights = bt709_luminance_weights;
  return weights[0] * rgb[0] + weights[1] * rgb[1] + weights[2] * rgb[2];
}

GamutMap::GamutMap(const Matrix3& to_bt709) : matrix_(to_bt709), bend_(bend_of(to_bt709)) {}

void GamutMap::run(double (&rgb)[3]) const {
  const Vector3 mixed = multiply(matrix_, Vector3{{rgb[0], rgb[1], rgb[2]}});
  std::copy_n(mixed.v, 3, rgb);
  const double y = bt709_luminance(rgb), d = saturation(rgb, y);
  const double beyond = d - desaturation_start;
  if (bend_ <= 0 || beyond <= 0) return;
  const double keep = (desaturation_start + beyond / (1 + beyond / bend_)) / d;
  for (double& x : rgb) x = y + keep * (x - y);
}

}  // namespace framelift
