#include "graph/quantization.h"

namespace framelift {
namespace {

bool is_layer(const Node& node) {
  return std::holds_alternative<Conv2d>(node.op) || std::holds_alternative<Linear>(node.op);
}

std::string with_ending(std::string_view weight, std::string_view ending) {
  constexpr std::string_view usual = "weight";
  if (weight.ends_with(usual)) weight.remove_suffix(usual.size());
  return fmt::format("{}{}", weight, ending);
}

}  // namespace

std::string weight_scale_name(std::string_view weight) { return with_ending(weight, "weight_scale"); }
std::string input_scale_name(std::string_view weight) { return with_ending(weight, "input_scale"); }

std::vector<QuantizableLayer> quantizable_layers(const Graph& graph) {
  std::vector<QuantizableLayer> layers;
  for (const Node& node : graph.nodes)
    if (is_layer(node) && graph.value(node.inputs[1]).kind == ValueKind::parameter)
      layers.push_back({graph.value(node.inputs[1]).name, node.inputs[0], node.output});
  return layers;
}

Graph quantize(Graph graph, const QuantizedLayers& layers) {
  std::vector<Node> nodes;
  const auto add_value = [&](ValueKind kind, const Shape& shape, std::string name) {
    graph.values.push_back({kind, DType::f32, shape, std::move(name), nullptr});
    return static_cast<ValueId>(graph.values.size()) - 1;
  };
  // Puts the grid between the node and its operand.
  const auto put_on_grid = [&](ValueId& operand, const FakeQuantize& grid, std::string scale, int64_t scales) {
    const Shape shape = graph.value(operand).shape;
    const ValueId parameter = add_value(ValueKind::parameter, {scales}, scale);
    const ValueId result = add_value(ValueKind::result, shape, scale + ".grid");
    nodes.push_back({grid, {operand, parameter}, result});
    operand = result;
  };
  for (Node& node : graph.nodes) {
    if (is_layer(node)) {
      const Value weight = graph.value(node.inputs[1]);
      const auto layer = layers.find(weight.name);
      if (weight.kind == ValueKind::parameter && layer != layers.end()) {
        if (layer->second.input) put_on_grid(node.inputs[0], *layer->second.input, input_scale_name(weight.name), 1);
        put_on_grid(node.inputs[1], weight_grid, weight_scale_name(weight.name), weight.shape[0]);
      }
    }
    nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
  return graph;
}

}  // namespace framelift
