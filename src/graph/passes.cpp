#include "graph/passes.h"

#include <algorithm>

#include "graph/evaluate.h"

namespace framelift {
namespace {

bool is_constant(const Graph& graph, ValueId id) { return graph.value(id).kind == ValueKind::constant; }

TensorView view_of(const Value& value) {  // for evaluate(), which only reads its inputs
  return {value.dtype, value.shape, const_cast<std::byte*>(value.constant->data())};
}

void make_constant(Graph& graph, ValueId id, Tensor tensor) {
  Value& value = graph.value(id);
  value.kind = ValueKind::constant;
  value.constant = std::make_shared<const Tensor>(std::move(tensor));
}

void fold_constants(Graph& graph) {
  std::erase_if(graph.nodes, [&](const Node& node) {
    if (!std::ranges::all_of(node.inputs, [&](ValueId id) { return is_constant(graph, id); })) return false;
    if (std::ranges::count(graph.outputs, node.output)) return false;
    Tensor result(DType::f32, graph.value(node.output).shape);
    std::vector<TensorView> in;
    for (ValueId id : node.inputs) in.push_back(view_of(graph.value(id)));
    evaluate(node.op, in, result.view());
    make_constant(graph, node.output, std::move(result));
    return true;
  });
}

ValueId scaled_copy(Graph& graph, ValueId id, float factor) {
  Tensor tensor = graph.value(id).constant->clone();
  for (float& v : tensor.f32()) v *= factor;
  Value value = graph.value(id);
  value.constant = std::make_shared<const Tensor>(std::move(tensor));
  graph.values.push_back(std::move(value));
  return static_cast<ValueId>(graph.values.size()) - 1;
}

// conv(x, w, b) * s  ->  conv(x, w*s, b*s), when the convolution has no other reader.
void fold_scales_into_convolutions(Graph& graph) {
  std::vector<int> readers(graph.values.size(), 0);
  for (const Node& node : graph.nodes)
    for (ValueId id : node.inputs) ++readers[static_cast<size_t>(id)];
  for (ValueId id : graph.outputs) ++readers[static_cast<size_t>(id)];

  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!std::holds_alternative<Mul>(graph.nodes[i].op)) continue;
    for (size_t k = 0; k < 2; ++k) {
      const ValueId product = graph.nodes[i].inputs[k], factor = graph.nodes[i].inputs[1 - k];
      if (!is_constant(graph, factor) || graph.value(factor).shape.elements() != 1) continue;
      auto conv = std::ranges::find(graph.nodes, product, &Node::output);
      if (conv == graph.nodes.end() || !std::holds_alternative<Conv2d>(conv->op)) continue;
      if (readers[static_cast<size_t>(product)] != 1) continue;
      if (!std::ranges::all_of(conv->inputs.begin() + 1, conv->inputs.end(),
                               [&](ValueId id) { return is_constant(graph, id); }))
        continue;
      const float s = graph.value(factor).constant->f32()[0];
      for (size_t w = 1; w < conv->inputs.size(); ++w) conv->inputs[w] = scaled_copy(graph, conv->inputs[w], s);
      conv->output = graph.nodes[i].output;
      graph.nodes.erase(graph.nodes.begin() + static_cast<ptrdiff_t>(i));
      --i;
      break;
    }
  }
}

// Keeps what the outputs need and renumbers the values. Inputs stay even when unread.
Graph without_dead(Graph graph) {
  std::vector<bool> needed(graph.values.size(), false);
  for (ValueId id : graph.outputs) needed[static_cast<size_t>(id)] = true;
  for (ValueId id : graph.inputs) needed[static_cast<size_t>(id)] = true;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node)
    if (needed[static_cast<size_t>(node->output)])
      for (ValueId id : node->inputs) needed[static_cast<size_t>(id)] = true;

  Graph result;
  std::vector<ValueId> renumbered(graph.values.size(), no_value);
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (!needed[i]) continue;
    renumbered[i] = static_cast<ValueId>(result.values.size());
    result.values.push_back(std::move(graph.values[i]));
  }
  auto renumber = [&](ValueId id) { return renumbered[static_cast<size_t>(id)]; };
  for (Node& node : graph.nodes) {
    if (!needed[static_cast<size_t>(node.output)]) continue;
    std::ranges::transform(node.inputs, node.inputs.begin(), renumber);
    node.output = renumber(node.output);
    result.nodes.push_back(std::move(node));
  }
  for (ValueId id : graph.inputs) result.inputs.push_back(renumber(id));
  for (ValueId id : graph.outputs) result.outputs.push_back(renumber(id));
  return result;
}

}  // namespace

Result<Graph> bind_parameters(const Graph& graph, const Parameters& parameters) {
  Graph bound = graph;
  for (Value& value : bound.values) {
    if (value.kind != ValueKind::parameter) continue;
    auto found = parameters.find(value.name);
    if (found == parameters.end())
      return fail(ErrorCode::invalid_argument, "weight {} {} is missing", value.name, to_string(value.shape));
    if (found->second.shape() != value.shape)
      return fail(ErrorCode::invalid_argument, "weight {} has shape {}, expected {}", value.name,
                  to_string(found->second.shape()), to_string(value.shape));
    value.kind = ValueKind::constant;
    value.constant = std::make_shared<const Tensor>(found->second.to_f32());
  }
  return bound;
}

Result<Graph> optimise(Graph graph) {
  fold_constants(graph);
  fold_scales_into_convolutions(graph);
  return without_dead(std::move(graph));
}

}  // namespace framelift
