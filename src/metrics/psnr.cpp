#include "metrics/psnr.h"

#include <cmath>
#include <limits>

namespace framelift {

double mean_squared_error(const TensorView& a, const TensorView& b) {
  const auto x = a.f32(), y = b.f32();
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double difference = static_cast<double>(x[i]) - static_cast<double>(y[i]);
    sum += difference * difference;
  }
  return sum / static_cast<double>(x.size());
}

double psnr(double mse, double peak) {
  return mse > 0 ? 10 * std::log10(peak * peak / mse) : std::numeric_limits<double>::infinity();
}

void luma_plane(const TensorView& rgb, const LumaWeights& weights, const TensorView& luma) {
  const auto pixels = static_cast<size_t>(luma.shape.elements());
  const float *r = rgb.as<float>(), *g = r + pixels, *b = g + pixels;
  float* const y = luma.as<float>();
  const double kg = 1 - weights.kr - weights.kb;
  for (size_t i = 0; i < pixels; ++i)
    y[i] = static_cast<float>(weights.kr * static_cast<double>(r[i]) + kg * static_cast<double>(g[i]) +
                              weights.kb * static_cast<double>(b[i]));
}

}  // namespace framelift
