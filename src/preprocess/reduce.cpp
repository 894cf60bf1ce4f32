#include "preprocess/reduce.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace framelift {
namespace {

// One output sample: a weighted sum of `count` input samples beginning at `first` (which may lie outside).
struct Taps {
  int first = 0, count = 0;
  std::array<float, 4 * max_reduction + 1> weights{};
};

// Keys' cubic convolution kernel with a = -0.5.
double cubic(double x) {
  x = std::abs(x);
  if (x <= 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x <= 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

// The taps of output sample `o`. The centre of an output sample lies at (o + 0.5) * factor - 0.5.
Taps taps_of(int o, int factor, Reduction method) {
  const double centre = (o + 0.5) * factor - 0.5;
  Taps taps;
  if (method == Reduction::bilinear) {
    taps.first = static_cast<int>(std::floor(centre));
    const auto fraction = static_cast<float>(centre - taps.first);
    taps.count = 2;
    taps.weights[0] = 1 - fraction;
    taps.weights[1] = fraction;
    return taps;
  }
  const double reach = 2.0 * factor;
  taps.first = static_cast<int>(std::ceil(centre - reach));
  const int last = static_cast<int>(std::floor(centre + reach));
  double sum = 0;
  for (int i = taps.first; i <= last; ++i) sum += cubic((centre - i) / factor);
  for (int i = taps.first; i <= last; ++i)
    taps.weights[static_cast<size_t>(taps.count++)] = static_cast<float>(cubic((centre - i) / factor) / sum);
  return taps;
}

// Index into [0, size) by mirroring with the edge sample repeated: ... 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...
int mirrored(int i, int size) {
  const int period = 2 * size;
  i %= period;
  if (i < 0) i += period;
  return i < size ? i : period - 1 - i;
}

}  // namespace

int reduced_size(int size, int factor, Reduction method) {
  return method == Reduction::bicubic ? (size + factor - 1) / factor : std::max(size / factor, 1);
}

void reduce(const TensorView& source, int factor, Reduction method, const TensorView& target,
            std::vector<float>& scratch) {
  const auto channels = static_cast<int>(source.shape[1]), height = static_cast<int>(source.shape[2]),
             width = static_cast<int>(source.shape[3]);
  const auto out_height = static_cast<int>(target.shape[2]), out_width = static_cast<int>(target.shape[3]);
  // The weights repeat from sample to sample, shifted by the factor.
  const Taps first = taps_of(0, factor, method);
  const int count = first.count;
  scratch.resize(static_cast<size_t>(width));
  for (int c = 0; c < channels; ++c)
    for (int y = 0; y < out_height; ++y) {
      std::ranges::fill(scratch, 0.0f);
      for (int k = 0; k < count; ++k) {
        const int row = mirrored(first.first + y * factor + k, height);
        const float* in = source.as<float>() + (int64_t{c} * height + row) * width;
        const float weight = first.weights[static_cast<size_t>(k)];
        for (int x = 0; x < width; ++x) scratch[static_cast<size_t>(x)] += weight * in[x];
      }
      float* out = target.as<float>() + (int64_t{c} * out_height + y) * out_width;
      for (int x = 0; x < out_width; ++x) {
        const int left = first.first + x * factor;
        const bool inside = left >= 0 && left + count <= width;
        float sum = 0;
        for (int k = 0; k < count; ++k) {
          const int column = inside ? left + k : mirrored(left + k, width);
          sum += first.weights[static_cast<size_t>(k)] * scratch[static_cast<size_t>(column)];
        }
        out[x] = sum;
      }
    }
}

}  // namespace framelift
