#include "codec/quantized_tensor.h"

#include <algorithm>
#include <cmath>

namespace framelift {

namespace {

// How a tensor's elements map to its scales: index = outer * inner + within, for element (outer * length + along) *
// inner + within.
struct ScaleIndex {
  ScaleIndex(const Shape& shape, int axis) {
    if (axis == no_axis) {
      length = shape.elements();
      return;
    }
    length = shape[axis];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
  size_t operator()(int64_t element) const {
    return static_cast<size_t>(element / inner / length * inner + element % inner);
  }
  int64_t length = 1, inner = 1;
};

}  // namespace

int64_t scale_count(const Shape& shape, int axis) {
  if (axis == no_axis) return 1;
  Shape reduced = shape;
  reduced.set_dim(axis, 1);
  return reduced.elements();
}

int quantization_axis(const Shape& shape) {
  const auto dims = shape.dims();
  const auto largest = std::ranges::max_element(dims);
  return largest != dims.end() && *largest > 20 ? static_cast<int>(largest - dims.begin()) : no_axis;
}

Result<QuantizedTensor> quantize(const Tensor& weights, int bits, int axis) {
  const Shape& shape = weights.shape();
  if (bits < min_quantized_bits || bits > max_quantized_bits || axis < no_axis || axis >= shape.rank())
    return fail(ErrorCode::invalid_argument, "a tensor of shape {} cannot be quantised to {} bits along axis {}",
                to_string(shape), bits, axis);
  const auto source = weights.f32();
  const ScaleIndex scale_of(shape, axis);
  std::vector<float> largest(static_cast<size_t>(scale_count(shape, axis)));
  for (size_t i = 0; i < source.size(); ++i) {
    if (!std::isfinite(source[i])) return fail(ErrorCode::invalid_argument, "a weight is not finite");
    float& m = largest[scale_of(static_cast<int64_t>(i))];
    m = std::max(m, std::abs(source[i]));
  }

  QuantizedTensor quantized{shape, bits, axis, {}, {}};
  for (float& m : largest) {
    quantized.scales.push_back(float_to_half(2 * m / static_cast<float>((1 << bits) - 1) + 1e-6f));
    m = half_to_float(quantized.scales.back());  // from here on the scale itself
    if (std::isinf(m)) return fail(ErrorCode::invalid_argument, "a weight is too large to be quantised");
  }
  const auto limit = static_cast<float>(1 << (bits - 1));
  quantized.values.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    const float level = std::nearbyint(source[i] / largest[scale_of(static_cast<int64_t>(i))]);
    quantized.values.push_back(static_cast<int16_t>(std::clamp(level, -limit, limit - 1)));
  }
  return quantized;
}

Tensor dequantize(const QuantizedTensor& quantized) {
  Tensor weights(DType::f32, quantized.shape);
  const ScaleIndex scale_of(quantized.shape, quantized.axis);
  for (size_t i = 0; i < quantized.values.size(); ++i)
    weights.f32()[i] =
        static_cast<float>(quantized.values[i]) * half_to_float(quantized.scales[scale_of(static_cast<int64_t>(i))]);
  return weights;
}

}  // namespace framelift
