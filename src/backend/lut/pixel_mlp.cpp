#include "backend/lut/pixel_mlp.h"

#include <algorithm>

#include "graph/evaluate.h"

namespace framelift {
namespace {

TensorView constant_view(const Value& value) {  // only read
  return {value.dtype, value.shape, const_cast<std::byte*>(value.constant->data())};
}

bool is_pixel_convolution(const Graph& graph, const Node& node) {
  const auto* conv = std::get_if<Conv2d>(&node.op);
  if (!conv || conv->groups != 1 || conv->stride != std::array{1, 1} || conv->pad != Padding{}) return false;
  const Shape& weight = graph.value(node.inputs[1]).shape;
  return weight[2] == 1 && weight[3] == 1 && std::max(weight[0], weight[1]) <= PixelMlp::max_features &&
         std::all_of(node.inputs.begin() + 1, node.inputs.end(),
                     [&](ValueId id) { return graph.value(id).kind == ValueKind::constant; });
}

// One number for all channels or one for each.
bool is_per_channel(const Shape& shape, int64_t channels) {
  const int64_t elements = shape.elements();
  return elements == 1 || (elements == channels && shape.rank() >= 3 && shape[-3] == channels);
}

}  // namespace

std::optional<PixelMlp> PixelMlp::from(const Graph& graph) {
  PixelMlp made;
  made.graph_ = graph;
  made.graph_.nodes.clear();
  made.computed_.resize(graph.values.size());
  std::vector<bool> of_picture(graph.values.size(), false);
  of_picture[static_cast<size_t>(graph.inputs[0])] = true;
  ValueId head = graph.inputs[0];  // how far the chain has come
  for (const Node& node : graph.nodes) {
    const bool reads_picture =
        std::ranges::any_of(node.inputs, [&](ValueId id) { return of_picture[static_cast<size_t>(id)]; });
    if (!reads_picture) {
      made.graph_.nodes.push_back(node);
      made.computed_[static_cast<size_t>(node.output)] = Tensor(DType::f32, graph.value(node.output).shape);
      continue;
    }
    const auto on_chain = std::ranges::count(node.inputs, head);
    if (on_chain != 1 ||
        (!made.layers_.empty() && made.layers_.back().slope != 1 && !is_pixel_convolution(graph, node)))
      return {};
    const bool first_layer = made.layers_.empty();
    if (is_pixel_convolution(graph, node) && node.inputs[0] == head) {
      const Shape& weight = graph.value(node.inputs[1]).shape;
      Layer layer;
      layer.inputs = static_cast<int>(weight[1]);
      layer.outputs = static_cast<int>(weight[0]);
      const size_t blocks = (static_cast<size_t>(layer.outputs) + 3) / 4;
      layer.weight.resize(4 * blocks * static_cast<size_t>(layer.inputs));
      layer.bias.resize(4 * blocks);
      made.layers_.push_back(std::move(layer));
      made.recipes_.push_back({node.inputs[1], node.inputs.size() > 2 ? node.inputs[2] : no_value, {}});
    } else if (first_layer) {
      return {};
    } else if (std::holds_alternative<Relu>(node.op)) {
      made.layers_.back().slope = 0;
    } else if (const auto* leaky = std::get_if<LeakyRelu>(&node.op); leaky && leaky->slope > 0 && leaky->slope < 1) {
      made.layers_.back().slope = leaky->slope;
    } else if (std::holds_alternative<Mul>(node.op) || std::holds_alternative<Add>(node.op)) {
      const ValueId by = node.inputs[node.inputs[0] == head ? 1 : 0];
      if (!is_per_channel(graph.value(by).shape, made.layers_.back().outputs)) return {};
      made.recipes_.back().modulation.push_back({std::holds_alternative<Mul>(node.op), by});
    } else {
      return {};
    }
    of_picture[static_cast<size_t>(node.output)] = true;
    head = node.output;
  }
  if (made.layers_.empty() || head != graph.outputs[0]) return {};
  return made;
}

float PixelMlp::value_of(ValueId id, int channel) const {
  const Value& value = graph_.value(id);
  const std::span<const float> numbers =
      value.kind == ValueKind::constant ? value.constant->f32() : computed_[static_cast<size_t>(id)].f32();
  return numbers[numbers.size() == 1 ? 0 : static_cast<size_t>(channel)];
}

void PixelMlp::fold(std::span<const TensorView> others) {
  std::array<TensorView, 8> in;
  const auto view = [&](ValueId id) -> TensorView {
    const Value& value = graph_.value(id);
    if (value.kind == ValueKind::constant) return constant_view(value);
    const auto input = std::ranges::find(graph_.inputs, id);
    if (input != graph_.inputs.end()) return others[static_cast<size_t>(input - graph_.inputs.begin()) - 1];
    return computed_[static_cast<size_t>(id)].view();
  };
  for (const Node& node : graph_.nodes) {
    for (size_t i = 0; i < node.inputs.size(); ++i) in[i] = view(node.inputs[i]);
    evaluate(node.op, std::span(in).first(node.inputs.size()), computed_[static_cast<size_t>(node.output)].view());
  }
  for (size_t l = 0; l < layers_.size(); ++l) {
    Layer& layer = layers_[l];
    const Recipe& recipe = recipes_[l];
    const std::span<const float> weight = graph_.value(recipe.weight).constant->f32();
    for (int o = 0; o < layer.outputs; ++o) {
      double gain = 1, shift = recipe.bias == no_value ? 0 : value_of(recipe.bias, o);
      for (const Modulation& m : recipe.modulation) {
        const double by = value_of(m.by, o);
        gain = m.scales ? gain * by : gain;
        shift = m.scales ? shift * by : shift + by;
      }
      layer.bias[static_cast<size_t>(o)] = static_cast<float>(shift);
      for (int i = 0; i < layer.inputs; ++i)
        layer.weight[(static_cast<size_t>(o / 4) * static_cast<size_t>(layer.inputs) + static_cast<size_t>(i)) * 4 +
                     static_cast<size_t>(o % 4)] =
            static_cast<float>(
                weight[static_cast<size_t>(o) * static_cast<size_t>(layer.inputs) + static_cast<size_t>(i)] * gain);
    }
  }
}

void PixelMlp::run(const float* const (&src)[3], size_t n, float* const (&dst)[3]) const {
  run_pixel_mlp(layers_, src, n, dst);
}

}  // namespace framelift
