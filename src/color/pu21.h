// PU21, a perceptually uniform encoding of light, in which the metrics of SDR pictures work on HDR ones. R. Mantiuk and
// M. Azimi, "PU21: A novel perceptually uniform encoding for adapting existing quality metrics for HDR", Picture Coding
// Symposium 2021; coefficients of the variant that the authors recommend, "banding_glare", from their reference
// implementation (github.com/gfxdisp/pu21, matlab/pu21_encoder.m).
#pragma once

#include <cmath>

#include "color/matrix.h"

namespace framelift {

inline constexpr double pu21_min_nits = 0.005, pu21_max_nits = 10000;
// What PSNR takes as the peak of PU21 values, by the reference implementation (pu21_metric.m): 100 cd/m2, the white of
// an SDR display, comes out close to it. HDR values reach 595.
inline constexpr double pu21_peak = 256;

// p[6] (((p[0] + p[1] y) / (1 + p[2] y))^p[4] - p[5]) with y = nits^p[3].
inline constexpr double pu21_coefficients[7] = {0.353487901,   0.3734658629, 8.277049286e-05, 0.9062562627,
                                                0.09150303166, 0.9099517204, 596.3148142};

// Luminance or a colour component in cd/m2, clamped to 0.005..10000 -> about 0..595.
FRAMELIFT_HD inline double pu21_encode(double nits) {
  constexpr auto& p = pu21_coefficients;
  if (!(nits > pu21_min_nits)) nits = pu21_min_nits;
  if (nits > pu21_max_nits) nits = pu21_max_nits;
  const double y = std::pow(nits, p[3]);
  return p[6] * (std::pow((p[0] + p[1] * y) / (1 + p[2] * y), p[4]) - p[5]);
}

}  // namespace framelift
