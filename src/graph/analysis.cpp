#include "graph/analysis.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "graph/op.h"

namespace framelift {
namespace {

std::vector<Shape> input_shapes(const Graph& graph, const Node& node) {
  std::vector<Shape> shapes;
  for (ValueId id : node.inputs) shapes.push_back(graph.value(id).shape);
  return shapes;
}

struct Interval {
  int64_t low = std::numeric_limits<int64_t>::max(), high = std::numeric_limits<int64_t>::min();
  bool global = false;  // everything, whatever low and high say
  bool empty() const { return low > high; }
  void include(Interval other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
    global |= other.global;
  }
};

int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// Input pixels read along one axis by the output of input pixels [start, start + length), both multiples of the
// alignment: walks the nodes backwards with exact integer intervals.
Interval pixels_read(const Graph& graph, int axis, int64_t start, int64_t length) {
  std::vector<Interval> needed(graph.values.size());
  const Shape& input = graph.value(graph.inputs.front()).shape;
  for (ValueId id : graph.outputs) {
    const Shape& out = graph.value(id).shape;
    const int64_t num = out[2 + axis], den = input[2 + axis];
    needed[static_cast<size_t>(id)].include({start * num / den, (start + length) * num / den - 1});
  }
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const Interval out = needed[static_cast<size_t>(node->output)];
    if (out.empty()) continue;
    const PixelReach reach = op_reach(node->op, input_shapes(graph, *node), axis);
    const Interval in{floor_div(out.low * reach.step_num, reach.step_den) - reach.before,
                      floor_div(out.high * reach.step_num, reach.step_den) + reach.after, out.global || reach.global};
    for (ValueId id : node->inputs) {
      const Value& value = graph.value(id);
      // Weights and broadcast operands are not pictures; they do not move with the region.
      if (value.kind != ValueKind::parameter && value.kind != ValueKind::constant)
        needed[static_cast<size_t>(id)].include(in);
    }
  }
  return needed[static_cast<size_t>(graph.inputs.front())];
}

}  // namespace

int64_t node_flops(const Graph& graph, const Node& node) {
  return op_flops(node.op, input_shapes(graph, node), graph.value(node.output).shape);
}

GraphCost graph_cost(const Graph& graph) {
  GraphCost cost;
  for (const Node& node : graph.nodes) {
    cost.flops += node_flops(graph, node);
    cost.activation_bytes += 4 * graph.value(node.output).shape.elements();
    for (ValueId id : node.inputs)
      if (graph.value(id).kind == ValueKind::result || graph.value(id).kind == ValueKind::input)
        cost.activation_bytes += 4 * graph.value(id).shape.elements();
  }
  for (const Value& value : graph.values)
    if (value.kind == ValueKind::parameter) cost.parameter_count += value.shape.elements();
  cost.parameter_bytes = 4 * cost.parameter_count;
  return cost;
}

Halo receptive_field(const Graph& graph, int alignment) {
  // Far from zero, so that no interval is cut by the border, and small enough for exact products.
  const int64_t start = int64_t{alignment} << 20;
  Halo halo;
  for (int axis = 0; axis < 2; ++axis) {
    const Interval read = pixels_read(graph, axis, start, alignment);
    if (read.empty()) continue;
    halo.global |= read.global;
    const int before = static_cast<int>(std::max<int64_t>(start - read.low, 0));
    const int after = static_cast<int>(std::max<int64_t>(read.high - (start + alignment - 1), 0));
    (axis == 0 ? halo.before_y : halo.before_x) = before;
    (axis == 0 ? halo.after_y : halo.after_x) = after;
  }
  return halo;
}

int pixel_step(const Graph& graph) {
  struct Step {
    int64_t num = 0, den = 1;  // input pixels per pixel; 0: not computed from the input
  };
  constexpr int64_t largest = 1 << 16;
  int64_t common = 1;
  for (int axis = 0; axis < 2; ++axis) {
    std::vector<Step> steps(graph.values.size());
    steps[static_cast<size_t>(graph.inputs.front())].num = 1;
    for (const Node& node : graph.nodes) {
      const auto source =
          std::ranges::find_if(node.inputs, [&](ValueId id) { return steps[static_cast<size_t>(id)].num > 0; });
      if (source == node.inputs.end()) continue;
      const Step from = steps[static_cast<size_t>(*source)];
      const PixelReach reach = op_reach(node.op, input_shapes(graph, node), axis);
      const int64_t num = from.num * reach.step_num, den = from.den * reach.step_den, divisor = std::gcd(num, den);
      Step& step = steps[static_cast<size_t>(node.output)];
      step = {num / divisor, den / divisor};
      if (step.num > largest || step.den > largest) return static_cast<int>(largest);
      common = std::min(std::lcm(common, step.num), largest);
    }
  }
  return static_cast<int>(common);
}

MemoryPlan plan_memory(const Graph& graph) {
  constexpr int64_t alignment = 64;
  const auto forever = static_cast<int64_t>(graph.nodes.size());
  std::vector<int64_t> last_use(graph.values.size(), -1);
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    for (ValueId id : graph.nodes[i].inputs) last_use[static_cast<size_t>(id)] = static_cast<int64_t>(i);
  for (ValueId id : graph.outputs) last_use[static_cast<size_t>(id)] = forever;

  MemoryPlan plan;
  plan.offsets.assign(graph.values.size(), -1);
  struct Block {
    int64_t bytes;
    int64_t last_use;
  };
  std::map<int64_t, Block> live;  // by offset
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    std::erase_if(live, [&](const auto& entry) { return entry.second.last_use < static_cast<int64_t>(i); });
    const auto id = static_cast<size_t>(graph.nodes[i].output);
    const int64_t bytes = (4 * graph.values[id].shape.elements() + alignment - 1) / alignment * alignment;
    int64_t offset = 0;  // first gap that is large enough
    for (const auto& [at, block] : live) {
      if (at - offset >= bytes) break;
      offset = std::max(offset, at + block.bytes);
    }
    plan.offsets[id] = offset;
    plan.bytes = std::max(plan.bytes, offset + bytes);
    live[offset] = {bytes, std::max(last_use[id], static_cast<int64_t>(i))};
  }
  return plan;
}

}  // namespace framelift
