#include "compress/bit_allocation.h"

#include <cmath>

#include "codec/quantized_tensor.h"

namespace framelift {

// From the least bits upwards, each next bit where it does the most good for its size.
TensorBits allocate_bits(std::span<const TensorSensitivity> tensors, int mean_bits) {
  TensorBits bits(mean_bits);
  int64_t left = 0;
  for (const TensorSensitivity& tensor : tensors) {
    bits.of[tensor.name] = min_quantized_bits;
    left += tensor.weights * (mean_bits - min_quantized_bits);
  }
  for (;;) {
    const TensorSensitivity* best = nullptr;
    double best_gain = 0;
    for (const TensorSensitivity& tensor : tensors) {
      const int now = bits.of[tensor.name];
      if (now == max_quantized_bits || tensor.weights < 1 || tensor.weights > left) continue;
      const double gain = tensor.damage * std::pow(4.0, mean_bits - now) / static_cast<double>(tensor.weights);
      if (gain <= best_gain) continue;
      best = &tensor;
      best_gain = gain;
    }
    if (!best) return bits;
    ++bits.of[best->name];
    left -= best->weights;
  }
}

}  // namespace framelift
