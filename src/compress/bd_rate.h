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

// The rate at which an encoder reaches a PSNR: a straight line of ln(rate) between the two points around it. `curve` is
// sorted by rate. Error: invalid_argument (no two points around it).
Result<double> rate_at(std::span<const RatePoint> curve, double psnr);

}  // namespace framelift
