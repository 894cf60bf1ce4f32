#include "compress/bd_rate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace framelift {
namespace {

constexpr size_t most_coefficients = 4;
using Polynomial = std::array<double, most_coefficients>;  // lowest power first

// ln(rate) as a polynomial of (psnr - center) / spread, by least squares: Gaussian elimination of the normal equations,
// which such small systems around 0 bear well.
Polynomial fit(std::span<const RatePoint> points, double center, double spread) {
  const size_t n = std::min(points.size(), most_coefficients);
  std::array<std::array<double, most_coefficients + 1>, most_coefficients> rows{};
  for (const RatePoint& point : points) {
    const double x = (point.psnr - center) / spread;
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) rows[i][j] += std::pow(x, static_cast<double>(i + j));
      rows[i][n] += std::pow(x, static_cast<double>(i)) * std::log(point.bits_per_pixel);
    }
  }
  for (size_t k = 0; k < n; ++k) {
    size_t pivot = k;
    for (size_t i = k; i < n; ++i)
      if (std::abs(rows[i][k]) > std::abs(rows[pivot][k])) pivot = i;
    std::swap(rows[k], rows[pivot]);
    for (size_t i = 0; i < n; ++i) {
      if (i == k || rows[i][k] == 0) continue;
      const double factor = rows[i][k] / rows[k][k];
      for (size_t j = k; j <= n; ++j) rows[i][j] -= factor * rows[k][j];
    }
  }
  Polynomial result{};
  for (size_t k = 0; k < n; ++k) result[k] = rows[k][n] / rows[k][k];
  return result;
}

double integral(const Polynomial& p, double low, double high) {
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const auto power = static_cast<double>(i + 1);
    sum += p[i] / power * (std::pow(high, power) - std::pow(low, power));
  }
  return sum;
}

std::pair<double, double> range_of(std::span<const RatePoint> points) {
  const auto [low, high] = std::ranges::minmax_element(points, {}, &RatePoint::psnr);
  return {low->psnr, high->psnr};
}

}  // namespace

Result<double> bd_rate(std::span<const RatePoint> reference, std::span<const RatePoint> test) {
  if (reference.size() < 2 || test.size() < 2)
    return fail(ErrorCode::invalid_argument, "a difference in rate needs two points of each at least");
  const auto a = range_of(reference), b = range_of(test);
  const double low = std::max(a.first, b.first), high = std::min(a.second, b.second);
  if (!(low < high)) return fail(ErrorCode::invalid_argument, "the two have no PSNR in common");
  const double center = (low + high) / 2, spread = (high - low) / 2;
  const double difference =
      integral(fit(test, center, spread), -1, 1) - integral(fit(reference, center, spread), -1, 1);
  if (!std::isfinite(difference))
    return fail(ErrorCode::invalid_argument, "a difference in rate needs points of different PSNR and rates above 0");
  return std::exp(difference / 2) - 1;
}

Result<double> rate_at(std::span<const RatePoint> curve, double psnr) {
  for (size_t i = 1; i < curve.size(); ++i) {
    const RatePoint &a = curve[i - 1], &b = curve[i];
    if (!(a.psnr <= psnr && psnr <= b.psnr)) continue;
    const double share = b.psnr > a.psnr ? (psnr - a.psnr) / (b.psnr - a.psnr) : 0;
    return std::exp(std::lerp(std::log(a.bits_per_pixel), std::log(b.bits_per_pixel), share));
  }
  return fail(ErrorCode::invalid_argument, "no measured rates are around this PSNR");
}

}  // namespace framelift
