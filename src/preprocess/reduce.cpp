#include "preprocess/reduce.h"

#include <algorithm>
#include <cmath>

namespace framelift {
namespace {

// Keys' cubic convolution kernel with a = -0.5.
double cubic(double x) {
  x = std::abs(x);
  if (x <= 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x <= 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

double triangle(double x) { return std::max(1 - std::abs(x), 0.0); }

// Index into [0, size) by mirroring with the edge sample repeated: ... 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...
int mirrored(int i, int size) {
  const int period = 2 * size;
  i %= period;
  if (i < 0) i += period;
  return i < size ? i : period - 1 - i;
}

int reduced_size(int size, int factor, Reduction method) {
  return method == Reduction::bicubic ? (size + factor - 1) / factor : std::max(size / factor, 1);
}

}  // namespace

Reducer::Axis Reducer::make_axis(int size, int targets, double step, Reduction method) {
  const bool wide = method == Reduction::bicubic;
  const double widening = wide ? std::max(step, 1.0) : 1;  // the low-pass
  const double reach = wide ? 2 * widening : 1;
  Axis axis;
  axis.taps = static_cast<int>(std::ceil(2 * reach)) + 1;
  for (int o = 0; o < targets; ++o) {
    const double centre = (o + 0.5) * step - 0.5;
    const int first = static_cast<int>(std::ceil(centre - reach));
    const auto weight = [&](int i) { return wide ? cubic((centre - i) / widening) : triangle(centre - i); };
    double sum = 0;
    for (int i = first; i < first + axis.taps; ++i) sum += weight(i);
    for (int i = first; i < first + axis.taps; ++i) {
      axis.sources.push_back(mirrored(i, size));
      axis.weights.push_back(static_cast<float>(weight(i) / sum));
    }
  }
  return axis;
}

Reducer Reducer::by_factor(int height, int width, int factor, Reduction method) {
  return {make_axis(height, reduced_size(height, factor, method), factor, method),
          make_axis(width, reduced_size(width, factor, method), factor, method), width};
}

Reducer Reducer::to_size(int height, int width, int target_height, int target_width, Reduction method) {
  return {make_axis(height, target_height, static_cast<double>(height) / target_height, method),
          make_axis(width, target_width, static_cast<double>(width) / target_width, method), width};
}

void Reducer::run(const TensorView& source, const TensorView& target) {
  const int64_t height = source.shape[2], width = source.shape[3];
  float* out = target.as<float>();
  for (int64_t c = 0; c < source.shape[1]; ++c)
    for (size_t y = 0; y < static_cast<size_t>(target_height()); ++y) {
      std::ranges::fill(line_, 0.0f);
      for (size_t k = y * static_cast<size_t>(y_.taps); k < (y + 1) * static_cast<size_t>(y_.taps); ++k) {
        const float weight = y_.weights[k];
        if (weight == 0) continue;
        const float* in = source.as<float>() + (c * height + y_.sources[k]) * width;
        for (size_t x = 0; x < line_.size(); ++x) line_[x] += weight * in[x];
      }
      size_t k = 0;
      for (int x = 0; x < target_width(); ++x) {
        float sum = 0;
        for (int tap = 0; tap < x_.taps; ++tap, ++k) sum += x_.weights[k] * line_[static_cast<size_t>(x_.sources[k])];
        *out++ = sum;
      }
    }
}

}  // namespace framelift
