#include "compress/weight_noise.h"

#include <algorithm>
#include <cmath>

#include "codec/quantized_tensor.h"
#include "graph/passes.h"
#include "train/data/random_stream.h"

namespace framelift {
namespace {

constexpr std::string_view keep_prefix = "keep.", fixed_prefix = "fixed.";

bool is_pruned(std::string_view name, const Shape& shape) {
  return is_quantised(shape) && !name.starts_with("encoding.") && name.find(".enc.") == std::string_view::npos;
}

Tensor ones_where_not_zero(const Tensor& weights) {
  Tensor keep(DType::f32, weights.shape());
  std::ranges::transform(weights.f32(), keep.f32().begin(), [](float w) { return w != 0 ? 1.0f : 0.0f; });
  return keep;
}

}  // namespace

bool is_quantised(const Shape& shape) { return shape.rank() >= 2; }

int64_t prune_weights(Parameters& parameters, double share) {
  int64_t total = 0;
  std::vector<double> scores;
  const auto divisor = [](const Tensor& t) { return std::sqrt(static_cast<double>(t.elements())) + 1e-6; };
  for (const auto& [name, tensor] : parameters) {
    total += tensor.elements();
    if (is_pruned(name, tensor.shape()))
      for (const float w : tensor.f32()) scores.push_back(std::abs(static_cast<double>(w)) / divisor(tensor));
  }
  const auto wanted = static_cast<int64_t>(share * static_cast<double>(total));
  const int64_t count = std::min(wanted, static_cast<int64_t>(scores.size()));
  if (count < 1) return 0;
  std::ranges::nth_element(scores, scores.begin() + (count - 1));
  const double threshold = scores[static_cast<size_t>(count - 1)];
  int64_t zeros = 0;
  for (auto& [name, tensor] : parameters) {
    if (!is_pruned(name, tensor.shape())) continue;
    for (float& w : tensor.f32()) {
      if (std::abs(static_cast<double>(w)) / divisor(tensor) > threshold) continue;
      w = 0;
      ++zeros;
    }
  }
  return zeros;
}

Result<Graph> with_weight_inputs(const Graph& graph) {
  GraphBuilder b;
  const std::vector<ValueId> ids = append(b, graph, {}, [&](const Value& parameter) {
    const ValueId weight = b.parameter(parameter.name, parameter.shape);
    if (!is_quantised(parameter.shape)) return weight;
    const ValueId keep = b.input(std::string(keep_prefix) + parameter.name, parameter.shape);
    const ValueId fixed = b.input(std::string(fixed_prefix) + parameter.name, parameter.shape);
    return b.add(b.mul(weight, keep), fixed);
  });
  for (const ValueId id : graph.outputs) b.output(ids[static_cast<size_t>(id)], graph.value(id).name);
  return std::move(b).finish();
}

Parameters pruned_weight_inputs(const Parameters& parameters) {
  Parameters inputs;
  for (const auto& [name, tensor] : parameters) {
    if (!is_quantised(tensor.shape())) continue;
    inputs.emplace(std::string(keep_prefix) + name, ones_where_not_zero(tensor));
    inputs.emplace(std::string(fixed_prefix) + name, Tensor::filled(tensor.shape(), 0));
  }
  return inputs;
}

Result<Parameters> noisy_weight_inputs(const Parameters& parameters, const TensorBits& bits, double noise,
                                       uint64_t seed, uint64_t key) {
  Parameters inputs;
  for (const auto& [name, tensor] : parameters) {
    if (!is_quantised(tensor.shape())) continue;
    Tensor keep = ones_where_not_zero(tensor);
    auto rounded = quantize(tensor, bits(name), quantization_axis(tensor.shape()));
    if (!rounded) return fail(rounded.error().code, "{}: {}", name, rounded.error().message);
    Tensor fixed = dequantize(*rounded);
    RandomStream random{seed, key_of("quant-noise"), key_of(name), key};
    const auto k = keep.f32(), f = fixed.f32();
    for (size_t i = 0; i < k.size(); ++i) {
      // A pruned weight is zero either way, and must not learn.
      const bool chosen = random.chance(noise);
      if (chosen)
        k[i] = 0;
      else
        f[i] = 0;
    }
    inputs.emplace(std::string(keep_prefix) + name, std::move(keep));
    inputs.emplace(std::string(fixed_prefix) + name, std::move(fixed));
  }
  return inputs;
}

void swap_weight_inputs(Parameters& a, Parameters& b, std::string_view name) {
  for (const std::string_view prefix : {keep_prefix, fixed_prefix}) {
    const std::string input = std::string(prefix) + std::string(name);
    std::swap(a.at(input), b.at(input));
  }
}

}  // namespace framelift
