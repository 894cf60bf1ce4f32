#include "graph/passes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "graph/evaluate.h"
#include "graph/op.h"

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

// Weights that are quantised stay so: engines read off them which integers to compute with.
void fold_constants(Graph& graph) {
  std::erase_if(graph.nodes, [&](const Node& node) {
    if (std::holds_alternative<FakeQuantize>(node.op)) return false;
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

// y = x * gain[c] + shift[c] for channel c: what a constant factor or a batch normalisation does to its input.
struct ChannelAffine {
  ValueId input = no_value;
  std::vector<float> gain, shift;
};

std::optional<ChannelAffine> channel_affine(const Graph& graph, const Node& node) {
  const auto numbers = [&](ValueId id) { return graph.value(id).constant->f32(); };
  const auto constants_from = [&](size_t first) {
    return std::all_of(node.inputs.begin() + static_cast<ptrdiff_t>(first), node.inputs.end(),
                       [&](ValueId id) { return is_constant(graph, id); });
  };
  const Shape& shape = graph.value(node.output).shape;
  if (shape.rank() != 4) return {};
  const auto channels = static_cast<size_t>(shape[1]);
  if (std::holds_alternative<Mul>(node.op)) {
    for (size_t k = 0; k < 2; ++k) {
      const ValueId factor = node.inputs[1 - k];
      if (!is_constant(graph, factor) || graph.value(factor).shape.elements() != 1) continue;
      return ChannelAffine{node.inputs[k], std::vector<float>(channels, numbers(factor)[0]),
                           std::vector<float>(channels)};
    }
  } else if (const auto* norm = std::get_if<BatchNorm>(&node.op); norm && constants_from(1)) {
    ChannelAffine affine{node.inputs[0], std::vector<float>(channels), std::vector<float>(channels)};
    for (size_t c = 0; c < channels; ++c) {
      const double gain = numbers(node.inputs[1])[c] / std::sqrt(double{numbers(node.inputs[4])[c]} + norm->epsilon);
      affine.gain[c] = static_cast<float>(gain);
      affine.shift[c] = static_cast<float>(numbers(node.inputs[2])[c] - numbers(node.inputs[3])[c] * gain);
    }
    return affine;
  }
  return {};
}

ValueId add_constant(Graph& graph, Tensor tensor) {
  graph.values.push_back({ValueKind::constant, DType::f32, tensor.shape(), {}, nullptr});
  const auto id = static_cast<ValueId>(graph.values.size()) - 1;
  make_constant(graph, id, std::move(tensor));
  return id;
}

// conv(x, w, b) * gain + shift  ->  conv(x, w * gain, b * gain + shift).
void fold_into(Graph& graph, Node& conv, const ChannelAffine& affine) {
  Tensor weight = graph.value(conv.inputs[1]).constant->clone();
  const size_t per_channel = weight.f32().size() / affine.gain.size();
  for (size_t i = 0; i < weight.f32().size(); ++i) weight.f32()[i] *= affine.gain[i / per_channel];
  conv.inputs[1] = add_constant(graph, std::move(weight));

  const bool has_bias = conv.inputs.size() > 2;
  if (!has_bias && std::ranges::all_of(affine.shift, [](float v) { return v == 0; })) return;
  Tensor bias(DType::f32, {static_cast<int64_t>(affine.gain.size())});
  for (size_t c = 0; c < affine.gain.size(); ++c)
    bias.f32()[c] = (has_bias ? graph.value(conv.inputs[2]).constant->f32()[c] * affine.gain[c] : 0) + affine.shift[c];
  conv.inputs.resize(3);
  conv.inputs[2] = add_constant(graph, std::move(bias));
}

// Into convolutions with constant weights that nothing else reads.
void fold_affine_into_convolutions(Graph& graph) {
  std::vector<int> readers(graph.values.size(), 0);
  for (const Node& node : graph.nodes)
    for (ValueId id : node.inputs) ++readers[static_cast<size_t>(id)];
  for (ValueId id : graph.outputs) ++readers[static_cast<size_t>(id)];

  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto affine = channel_affine(graph, graph.nodes[i]);
    if (!affine || readers[static_cast<size_t>(affine->input)] != 1) continue;
    auto conv = std::ranges::find(graph.nodes, affine->input, &Node::output);
    if (conv == graph.nodes.end() || !std::holds_alternative<Conv2d>(conv->op)) continue;
    if (!std::ranges::all_of(conv->inputs.begin() + 1, conv->inputs.end(),
                             [&](ValueId id) { return is_constant(graph, id); }))
      continue;
    fold_into(graph, *conv, *affine);
    conv->output = graph.nodes[i].output;
    graph.nodes.erase(graph.nodes.begin() + static_cast<ptrdiff_t>(i));
    --i;
  }
}

}  // namespace

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

void merge_permutations(Graph& graph) {
  std::map<ValueId, const Node*> made_by;
  std::map<ValueId, ValueId> instead;  // of permutations that change nothing
  const auto resolved = [&](ValueId id) {
    const auto found = instead.find(id);
    return found == instead.end() ? id : found->second;
  };
  for (Node& node : graph.nodes) {
    std::ranges::transform(node.inputs, node.inputs.begin(), resolved);
    auto* permute = std::get_if<Permute>(&node.op);
    if (permute == nullptr) continue;
    made_by[node.output] = &node;
    if (const auto before = made_by.find(node.inputs[0]); before != made_by.end()) {
      const Permute& first = std::get<Permute>(before->second->op);
      for (int& axis : permute->order) axis = first.order[static_cast<size_t>(axis)];
      node.inputs = before->second->inputs;
    }
    if (permute->order == std::array{0, 1, 2, 3}) instead[node.output] = node.inputs[0];
  }
  for (ValueId& id : graph.outputs) {
    const ValueId source = resolved(id);
    if (source != id && graph.value(source).kind == ValueKind::result) {
      graph.value(source).name = graph.value(id).name;
      id = source;
    }
  }
}

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

namespace {

// Whether the op does to each of several pictures what it does to one.
bool keeps_pictures_apart(const Op& op) {
  if (const auto* concat = std::get_if<Concat>(&op)) return concat->axis != 0;
  if (const auto* permute = std::get_if<Permute>(&op)) return permute->order[0] == 0;
  if (const auto* softmax = std::get_if<Softmax>(&op)) return softmax->axis != 0;
  if (const auto* reshape = std::get_if<Reshape>(&op)) return reshape->shape.rank() > 0 && reshape->shape[0] == 1;
  return !std::holds_alternative<Mean>(op);
}

}  // namespace

Result<Graph> with_batch(Graph graph, int64_t pictures) {
  std::vector<bool> batched(graph.values.size(), false);
  for (ValueId id : graph.inputs) {
    batched[static_cast<size_t>(id)] = true;
    graph.value(id).shape.set_dim(0, pictures);
  }
  std::vector<Shape> in;
  for (Node& node : graph.nodes) {
    in.clear();
    bool any = false;
    for (ValueId id : node.inputs) {
      in.push_back(graph.value(id).shape);
      any = any || batched[static_cast<size_t>(id)];
    }
    if (!any) continue;
    Shape wanted = graph.value(node.output).shape;
    bool possible = keeps_pictures_apart(node.op) && wanted.rank() > 0 && wanted[0] == 1;
    if (possible) {
      wanted.set_dim(0, pictures);
      if (auto* reshape = std::get_if<Reshape>(&node.op)) reshape->shape = wanted;
      const auto shape = infer_shape(node.op, in);
      possible = shape && *shape == wanted;
    }
    if (!possible) return fail(ErrorCode::unsupported, "its op {} takes one picture at a time", op_name(node.op));
    batched[static_cast<size_t>(node.output)] = true;
    graph.value(node.output).shape = wanted;
  }
  return graph;
}

Result<Graph> optimise(Graph graph) {
  fold_constants(graph);
  fold_affine_into_convolutions(graph);
  return without_dead(std::move(graph));
}

std::vector<ValueId> append(GraphBuilder& b, const Graph& graph, std::span<const ValueId> inputs,
                            const std::function<ValueId(const Value& parameter)>& weight) {
  std::vector<ValueId> ids(graph.values.size(), no_value);
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (value.kind == ValueKind::input && inputs.empty()) ids[i] = b.input(value.name, value.shape);
    if (value.kind == ValueKind::parameter) ids[i] = weight ? weight(value) : b.parameter(value.name, value.shape);
    if (value.kind == ValueKind::constant) ids[i] = b.constant(value.constant->clone());
  }
  for (size_t i = 0; i < inputs.size(); ++i) ids[static_cast<size_t>(graph.inputs[i])] = inputs[i];
  for (const Node& node : graph.nodes) {
    std::vector<ValueId> operands;
    for (const ValueId id : node.inputs) operands.push_back(ids[static_cast<size_t>(id)]);
    ids[static_cast<size_t>(node.output)] = b.add_node(node.op, std::move(operands), graph.value(node.output).name);
  }
  return ids;
}

}  // namespace framelift
