// Networks made of noise, for tests and benchmarks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include "codec/tensor_coder.h"

namespace framelift::test {

// Gaussian weights whose scales are their maxima, as trained ones are; `zeros` of them pruned. Along dimension 0 each
// is `resemblance` (0 to 1) times the one before plus something new, as in a grid over time.
inline QuantizedTensor noise_tensor(const Shape& shape, int bits, double zeros, double resemblance, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::bernoulli_distribution pruned(zeros);
  Tensor weights(DType::f32, shape);
  const auto w = weights.f32();
  const size_t step = shape.rank() > 0 ? w.size() / static_cast<size_t>(shape[0]) : w.size();
  for (size_t i = 0; i < w.size(); ++i) {
    const double before = i >= step ? w[i - step] : 0;
    w[i] = static_cast<float>(resemblance * before + std::sqrt(1 - resemblance * resemblance) * normal(random));
  }
  for (float& v : w) v = pruned(random) ? 0.0f : v;
  return *quantize(weights, bits, quantization_axis(shape));
}

inline bool same(const StoredTensor& a, const StoredTensor& b) {
  if (a.name != b.name || a.content.index() != b.content.index()) return false;
  if (const auto* x = std::get_if<QuantizedTensor>(&a.content)) {
    const auto& y = std::get<QuantizedTensor>(b.content);
    return x->shape == y.shape && x->bits == y.bits && x->axis == y.axis && x->scales == y.scales &&
           x->values == y.values;
  }
  const Tensor& x = std::get<Tensor>(a.content);
  const Tensor& y = std::get<Tensor>(b.content);
  return x.dtype() == y.dtype() && x.shape() == y.shape() && std::equal(x.data(), x.data() + x.bytes(), y.data());
}

inline bool same(const std::vector<StoredTensor>& a, const std::vector<StoredTensor>& b) {
  return std::ranges::equal(a, b, [](const StoredTensor& x, const StoredTensor& y) { return same(x, y); });
}

// One tensor of each kind: convolution, linear, grid over time, bias, a float.
inline std::vector<StoredTensor> small_network(unsigned seed, int bits = 6) {
  std::vector<StoredTensor> tensors;
  tensors.push_back({"stem.weight", noise_tensor({24, 2, 3, 3}, bits, 0, 0, seed)});
  tensors.push_back({"fc1.weight", noise_tensor({32, 12}, bits, 0.2, 0, seed + 1)});
  tensors.push_back({"grid.0", noise_tensor({12, 8}, bits, 0, 0.97, seed + 2)});
  Tensor bias(DType::f16, {9});
  for (int i = 0; i < 9; ++i) bias.as<uint16_t>()[i] = float_to_half(0.01f * static_cast<float>(i * i) - 0.2f);
  tensors.push_back({"stem.bias", std::move(bias)});
  tensors.push_back({"gain", Tensor::filled({}, -1.5f)});
  return tensors;
}

}  // namespace framelift::test
