// How much two encoders differ in rate at the same quality.
#pragma once

#include <span>

#include "base/result.h"

namespace framelift {

struct RatePoint {
  double bits_per_pixel = 0;  // above 0
  double psnr = 0;            // dB
};

// Bjontegaard's mean difference in rate (G. Bjontegaard, "Calculation of average PSNR differences between RD-curves",
// VCEG-M33, 2001): of `test` relative to `reference` as a share of its rate, -0.2 for a fifth fewer bits. Logarithms of
// rates as polynomials of PSNR, cubic with four points or more (least squares), lower with fewer; their mean over the
// PSNR that both curves have. Errors: invalid_argument (fewer than two points, no PSNR in common).
Result<double> bd_rate(std::span<const RatePoint> reference, std::span<const RatePoint> test);

}  // namespace framelift
