// Weights as whole numbers with shared scales: what a compressed network stores. Symmetric quantisation as HiNeRV's
// quantisation-aware training defines it (Kwan et al., "HiNeRV", NeurIPS 2023), but with the scale rounded to a half
// first, so that training, encoder and decoder see the same numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "frame/tensor.h"

namespace framelift {

inline constexpr int min_quantized_bits = 2, max_quantized_bits = 12;
inline constexpr int no_axis = -1;

// value * scale gives the weight back. Pruned weights are zeros.
struct QuantizedTensor {
  Shape shape;
  int bits = 8;                  // 2..12
  int axis = no_axis;            // elements along this dimension share a scale; no_axis: all of them do
  std::vector<uint16_t> scales;  // IEEE halves, row-major over `shape` with `axis` reduced to 1; one for no_axis
  std::vector<int16_t> values;   // row-major, -2^(bits-1) .. 2^(bits-1)-1
};

// Number of scales of such a tensor. 0 <= axis < rank, or no_axis.
int64_t scale_count(const Shape& shape, int axis);

// The largest dimension above 20 (the first of equals): there, sharing makes scales less than 5 % of the weights.
// no_axis when all are smaller.
int quantization_axis(const Shape& shape);

// For each scale: m = max |w| of the weights that share it; scale = half(2m / (2^bits - 1) + 1e-6), in float32 before
// the rounding; value = w / scale in float32, rounded half to even, clamped to the range. Errors: invalid_argument for
// bits or axis out of range, a weight that is not finite, or one too large for a half scale.
Result<QuantizedTensor> quantize(const Tensor& weights, int bits, int axis);

// float32, value * scale.
Tensor dequantize(const QuantizedTensor& quantized);

}  // namespace framelift
