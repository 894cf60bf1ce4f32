#include "metrics/ssim.h"

#include <algorithm>
#include <cmath>

namespace framelift {

// The window is the product of two Gaussians, so that columns and rows are filtered one after the other.
Ssim::Ssim() {
  constexpr double sigma = 1.5;
  double sum = 0;
  for (int i = 0; i < window; ++i) {
    constexpr int middle = window / 2;
    const double x = i - middle;
    sum += weights_[static_cast<size_t>(i)] = std::exp(-x * x / (2 * sigma * sigma));
  }
  for (double& w : weights_) w /= sum;
}

double Ssim::run(const TensorView& a, const TensorView& b) {
  constexpr double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
  const auto height = static_cast<size_t>(a.shape[2]), width = static_cast<size_t>(a.shape[3]);
  const size_t columns = width - window + 1, lines = height - window + 1;
  for (auto& row : rows_) row.resize(width);
  for (auto& row : window_) row.resize(columns);

  double sum = 0;
  for (size_t y = 0; y < lines; ++y) {
    for (auto& row : rows_) std::ranges::fill(row, 0.0);
    for (size_t k = 0; k < window; ++k) {
      const float *p = a.as<float>() + (y + k) * width, *q = b.as<float>() + (y + k) * width;
      const double w = weights_[k];
      for (size_t x = 0; x < width; ++x) {
        const auto u = static_cast<double>(p[x]), v = static_cast<double>(q[x]);
        rows_[0][x] += w * u;
        rows_[1][x] += w * v;
        rows_[2][x] += w * (u * u);
        rows_[3][x] += w * (v * v);
        rows_[4][x] += w * (u * v);
      }
    }
    for (size_t m = 0; m < moments; ++m) {
      std::ranges::fill(window_[m], 0.0);
      for (size_t k = 0; k < window; ++k)
        for (size_t x = 0; x < columns; ++x) window_[m][x] += weights_[k] * rows_[m][x + k];
    }
    double line = 0;
    for (size_t x = 0; x < columns; ++x) {
      const double mu_a = window_[0][x], mu_b = window_[1][x];
      const double variance_a = window_[2][x] - mu_a * mu_a, variance_b = window_[3][x] - mu_b * mu_b;
      const double covariance = window_[4][x] - mu_a * mu_b;
      line += (2 * mu_a * mu_b + c1) * (2 * covariance + c2) /
              ((mu_a * mu_a + mu_b * mu_b + c1) * (variance_a + variance_b + c2));
    }
    sum += line;
  }
  return sum / static_cast<double>(lines * columns);
}

}  // namespace framelift
