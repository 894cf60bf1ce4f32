#include "train/initialise.h"

#include <cmath>
#include <random>

#include "graph/op.h"

namespace framelift {
namespace {

// FNV-1a: a stream of random numbers of its own for every name.
uint64_t hash(std::string_view text) {
  uint64_t h = 14695981039346656037u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return h;
}

// What one output of the layer sums over. A transposed convolution's is PyTorch's, which counts as if it were none.
double fan_in(const Shape& weight) { return static_cast<double>(weight.elements()) / static_cast<double>(weight[0]); }

// The start of the parameter that is input `place` of `node`; empty when the op has no such parameter.
Tensor start(const Graph& graph, const Node& node, size_t place, uint64_t seed) {
  const Value& value = graph.value(node.inputs[place]);
  if (std::holds_alternative<Conv2d>(node.op) || std::holds_alternative<ConvTranspose2d>(node.op) ||
      std::holds_alternative<Linear>(node.op)) {
    if (place == 0) return {};
    return uniform_tensor(value.name, value.shape, 1 / std::sqrt(fan_in(graph.value(node.inputs[1]).shape)), seed);
  }
  if (std::holds_alternative<PRelu>(node.op) && place == 1) return Tensor::filled(value.shape, 0.25f);
  const bool instance = std::holds_alternative<InstanceNorm>(node.op);
  if ((instance || std::holds_alternative<BatchNorm>(node.op)) && place > 0)
    return Tensor::filled(value.shape, place == 1 || place == 4 ? 1.0f : 0.0f);  // scale, shift, mean, variance
  return {};
}

}  // namespace

// The standard fixes what mt19937_64 gives, but not what its distributions make of that.
Tensor uniform_tensor(std::string_view name, const Shape& shape, double bound, uint64_t seed) {
  std::mt19937_64 random(seed ^ hash(name));
  Tensor tensor(DType::f32, shape);
  for (float& x : tensor.f32()) {
    const double unit = static_cast<double>(random() >> 11) * 0x1p-53;  // [0, 1)
    x = static_cast<float>((2 * unit - 1) * bound);
  }
  return tensor;
}

Result<Parameters> initial_parameters(const Graph& graph, uint64_t seed) {
  Parameters parameters;
  for (const Node& node : graph.nodes)
    for (size_t place = 0; place < node.inputs.size(); ++place) {
      const Value& value = graph.value(node.inputs[place]);
      if (value.kind != ValueKind::parameter) continue;
      Tensor tensor = start(graph, node, place, seed);
      if (tensor.empty())
        return fail(ErrorCode::unsupported, "parameter {} of {} has no rule for how it begins; give trained weights",
                    value.name, op_name(node.op));
      parameters.emplace(value.name, std::move(tensor));
    }
  return parameters;
}

}  // namespace framelift
