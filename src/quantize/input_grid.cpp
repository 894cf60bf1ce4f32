#include "quantize/input_grid.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace framelift {
namespace {

constexpr int steps = 255;
// Ranges narrower than this are as good as constant; the scale stays a normal number.
constexpr float least_range = 1e-6f;

InputGrid grid_over(float low, float high, bool symmetric) {
  low = std::min(low, 0.0f);
  high = std::max(high, 0.0f);
  if (symmetric) {
    const float largest = std::max({-low, high, least_range});
    return {{-128, 127}, largest / 127};
  }
  const float scale = std::max(high - low, least_range) / steps;
  const int first = std::clamp(static_cast<int>(std::lround(low / scale)), -steps, 0);
  return {{first, first + steps}, scale};
}

double squared_error(std::span<const float> samples, const InputGrid& g) {
  double sum = 0;
  const auto low = static_cast<float>(g.grid.low), high = static_cast<float>(g.grid.high), inverse = 1 / g.scale;
  for (const float v : samples) {
    const float error = std::clamp(std::nearbyint(v * inverse), low, high) * g.scale - v;
    sum += error * error;
  }
  return sum;
}

// Both ends shrunk together and apart; the loss has no need of finer steps than these.
InputGrid least_squares_grid(std::span<const float> samples, float low, float high, bool symmetric) {
  InputGrid best = grid_over(low, high, symmetric);
  double least = squared_error(samples, best);
  const auto improve = [&](float a, float b) {
    const InputGrid candidate = grid_over(a, b, symmetric);
    const double error = squared_error(samples, candidate);
    if (error < least) {
      least = error;
      best = candidate;
      return true;
    }
    return false;
  };
  float low_share = 1, high_share = 1;
  for (int round = 0; round < 3; ++round) {
    const float low_before = low_share, high_before = high_share;
    for (float share = 1; share > 0.1f; share *= 0.93f)
      if (improve(low * low_share, high * share)) high_share = share;
    if (low < 0 && !symmetric)
      for (float share = 1; share > 0.1f; share *= 0.93f)
        if (improve(low * share, high * high_share)) low_share = share;
    if (low_share == low_before && high_share == high_before) break;
  }
  return best;
}

}  // namespace

Result<RangeMethod> parse_range_method(std::string_view text) {
  if (text == "minmax") return RangeMethod::min_max;
  if (text == "percentile") return RangeMethod::percentile;
  if (text == "mse") return RangeMethod::mse;
  return fail(ErrorCode::invalid_argument, "no way to choose ranges is called '{}'; there are minmax, percentile, mse",
              text);
}

InputGrid choose_input_grid(std::span<const float> samples, const RangeOptions& options) {
  const auto [low, high] = std::ranges::minmax(samples);
  if (options.method == RangeMethod::min_max) return grid_over(low, high, options.symmetric);
  if (options.method == RangeMethod::mse)
    return least_squares_grid(samples, options.symmetric ? -std::max(-low, high) : low,
                              options.symmetric ? std::max(-low, high) : high, options.symmetric);
  std::vector<float> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  const auto outside = static_cast<size_t>((1 - options.percentile) / 2 * static_cast<double>(sorted.size()));
  return grid_over(sorted[outside], sorted[sorted.size() - 1 - outside], options.symmetric);
}

}  // namespace framelift
