#include "train/relative_scales.h"

#include <algorithm>

namespace framelift {
namespace {

constexpr Clamp factors{1.0f / 16, 16};

template <class F>
void for_each_scale(const Graph& graph, F f) {
  for (const Node& node : graph.nodes)
    if (std::holds_alternative<FakeQuantize>(node.op) && graph.value(node.inputs[1]).kind == ValueKind::parameter)
      f(graph.value(node.inputs[1]).name);
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

void begin_with_relative_scales(Parameters& parameters, const Graph& graph) {
  for_each_scale(graph, [&](const std::string& name) { std::ranges::fill(parameters.at(name).f32(), 1.0f); });
}

void make_scales_absolute(Parameters& parameters, const Graph& graph, const Parameters& start) {
  for_each_scale(graph, [&](const std::string& name) {
    const std::span<const float> first = start.at(name).f32();
    std::ranges::transform(
        parameters.at(name).f32(), first, parameters.at(name).f32().begin(),
        [](float factor, float scale) { return std::clamp(factor, factors.low, factors.high) * scale; });
  });
}

}  // namespace framelift
