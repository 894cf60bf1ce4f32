#include "quantize/round_weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "graph/quantization.h"

namespace framelift {
namespace {

constexpr double damping = 0.01;  // of the mean energy, as in the paper
constexpr float least_scale = 1e-12f;

using Matrix = std::vector<double>;  // square, row-major

// The upper triangular U with U^T U = (V V^T)^-1 for a symmetric positive definite matrix. False: it is none.
bool upper_inverse_factor(Matrix& m, size_t n) {
  const auto at = [&](size_t row, size_t column) -> double& { return m[row * n + column]; };
  // V, upper triangular, with V V^T = m: Cholesky from the last row upwards.
  for (size_t j = n; j-- > 0;) {
    double diagonal = at(j, j);
    for (size_t k = j + 1; k < n; ++k) diagonal -= at(j, k) * at(j, k);
    if (!(diagonal > 0)) return false;
    at(j, j) = std::sqrt(diagonal);
    for (size_t i = 0; i < j; ++i) {
      double sum = at(i, j);
      const double *a = &at(i, 0), *b = &at(j, 0);
      for (size_t k = j + 1; k < n; ++k) sum -= a[k] * b[k];
      at(i, j) = sum / at(j, j);
    }
  }
  // Its inverse in place, row by row from the last: U = V^-1.
  std::vector<double> row(n);
  for (size_t i = n; i-- > 0;) {
    std::fill(row.begin(), row.end(), 0.0);
    for (size_t k = i + 1; k < n; ++k) {
      const double factor = at(i, k);
      for (size_t j = k; j < n; ++j) row[j] -= factor * at(k, j);
    }
    const double inverse = 1 / at(i, i);
    for (size_t j = i + 1; j < n; ++j) at(i, j) = row[j] * inverse;
    at(i, i) = inverse;
  }
  return true;
}

Tensor scales_of(const Tensor& weight) {
  Tensor scale(DType::f32, {weight.shape()[0]});
  const size_t per_channel = weight.f32().size() / scale.f32().size();
  for (size_t c = 0; c < scale.f32().size(); ++c) {
    float largest = 0;
    for (const float w : weight.f32().subspan(c * per_channel, per_channel)) largest = std::max(largest, std::abs(w));
    scale.f32()[c] = std::max(largest / 127, least_scale);
  }
  return scale;
}

double on_grid(double value, double scale) {
  return std::clamp(std::nearbyint(value / scale), double{weight_grid.low}, double{weight_grid.high});
}

}  // namespace

RoundedWeights round_to_nearest(const Tensor& weight) {
  RoundedWeights result{weight.clone(), scales_of(weight)};
  const size_t per_channel = weight.f32().size() / result.scale.f32().size();
  for (size_t i = 0; i < weight.f32().size(); ++i) {
    const float scale = result.scale.f32()[i / per_channel];
    result.weight.f32()[i] = static_cast<float>(on_grid(weight.f32()[i], scale)) * scale;
  }
  return result;
}

RoundedWeights round_for_output(const Tensor& weight, const Tensor& moments) {
  const auto channels = static_cast<size_t>(weight.shape()[0]);
  const size_t inputs = weight.f32().size() / channels;
  const std::span<const float> m = moments.f32();
  double energy = 0;
  for (size_t i = 0; i < inputs; ++i) energy += m[i * inputs + i] / static_cast<double>(inputs);
  if (!(energy > 0)) return round_to_nearest(weight);

  std::vector<size_t> order(inputs);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](size_t i) { return m[i * inputs + i]; });
  Matrix factor(inputs * inputs);
  for (size_t i = 0; i < inputs; ++i)
    for (size_t j = 0; j < inputs; ++j)
      factor[i * inputs + j] = m[order[i] * inputs + order[j]] + (i == j ? damping * energy : 0);
  if (!upper_inverse_factor(factor, inputs)) return round_to_nearest(weight);

  RoundedWeights result{weight.clone(), scales_of(weight)};
  std::vector<double> left(inputs);
  for (size_t c = 0; c < channels; ++c) {
    const float scale = result.scale.f32()[c];
    float* line = result.weight.f32().data() + c * inputs;
    for (size_t i = 0; i < inputs; ++i) left[i] = line[order[i]];
    for (size_t i = 0; i < inputs; ++i) {
      const double* row = &factor[i * inputs];
      const double rounded = on_grid(left[i], scale);
      const double error = (left[i] - rounded * scale) / row[i];
      for (size_t j = i + 1; j < inputs; ++j) left[j] -= error * row[j];
      line[order[i]] = static_cast<float>(rounded) * scale;
    }
  }
  return result;
}

}  // namespace framelift
