#include "train/relative_scales.h"

#include <algorithm>

namespace framelift {
namespace {

constexpr Clamp factors{1.0f / 16, 16};

template <class F>
void for_each_scale(Parameters& parameters, const QuantizedLayers& layers, F f) {
  for (const auto& [weight, layer] : layers)
    for (const std::string& name : {weight_scale_name(weight), input_scale_name(weight)})
      if (const auto scale = parameters.find(name); scale != parameters.end()) f(name, scale->second.f32());
}

}  // namespace

Graph with_relative_scales(Graph graph, const Parameters& start) {
  std::vector<Node> nodes;
  const auto add_value = [&](ValueKind kind, const Shape& shape, std::string name) {
    graph.values.push_back({kind, DType::f32, shape, std::move(name), nullptr});
    return static_cast<ValueId>(graph.values.size()) - 1;
  };
  for (Node& node : graph.nodes) {
    if (std::holds_alternative<FakeQuantize>(node.op)) {
      const ValueId factor = node.inputs[1];
      const Value parameter = graph.value(factor);
      if (parameter.kind == ValueKind::parameter) {
        const ValueId within = add_value(ValueKind::result, parameter.shape, parameter.name + ".factor");
        const ValueId first = add_value(ValueKind::constant, parameter.shape, {});
        graph.value(first).constant = std::make_shared<const Tensor>(start.at(parameter.name).clone());
        const ValueId scale = add_value(ValueKind::result, parameter.shape, parameter.name + ".scale");
        nodes.push_back({factors, {factor}, within});
        nodes.push_back({Mul{}, {within, first}, scale});
        node.inputs[1] = scale;
      }
    }
    nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
  return graph;
}

void begin_with_relative_scales(Parameters& parameters, const QuantizedLayers& layers) {
  for_each_scale(parameters, layers,
                 [](const std::string&, std::span<float> scale) { std::ranges::fill(scale, 1.0f); });
}

void make_scales_absolute(Parameters& parameters, const QuantizedLayers& layers, const Parameters& start) {
  for_each_scale(parameters, layers, [&](const std::string& name, std::span<float> scale) {
    std::ranges::transform(scale, start.at(name).f32(), scale.begin(), [](float factor, float first) {
      return std::clamp(factor, factors.low, factors.high) * first;
    });
  });
}

}  // namespace framelift
