#include "backend/lut/pixel_function.h"

#include <array>
#include <vector>

#include "graph/analysis.h"
#include "graph/op.h"

namespace framelift {
namespace {

bool is_picture(const Shape& shape) { return shape.rank() == 4 && shape[0] == 1 && shape[1] == 3; }

bool keeps_pixels_apart(const Graph& graph, const Node& node) {
  if (const auto* conv = std::get_if<Conv2d>(&node.op)) {
    const Shape& weight = graph.value(node.inputs[1]).shape;
    return weight[2] == 1 && weight[3] == 1 && conv->stride == std::array{1, 1} && conv->pad == Padding{};
  }
  if (const auto* concat = std::get_if<Concat>(&node.op)) return concat->axis == 1;
  return std::holds_alternative<Relu>(node.op) || std::holds_alternative<LeakyRelu>(node.op) ||
         std::holds_alternative<PRelu>(node.op) || std::holds_alternative<Clamp>(node.op) ||
         std::holds_alternative<BatchNorm>(node.op) || std::holds_alternative<InverseToneMap>(node.op) ||
         std::holds_alternative<Add>(node.op) || std::holds_alternative<Mul>(node.op);
}

// Height and width 1, or too few dimensions to have them: the same for all pixels.
bool is_uniform(const Shape& shape) {
  return (shape.rank() < 2 || shape[-2] == 1) && (shape.rank() < 1 || shape[-1] == 1);
}

}  // namespace

Status expect_pixel_function(const Graph& graph) {
  if (graph.inputs.empty() || graph.outputs.size() != 1)
    return fail(ErrorCode::unsupported, "a colour table needs a network with a picture as its input and one output");
  const Shape& in = graph.value(graph.inputs[0]).shape;
  const Shape& out = graph.value(graph.outputs[0]).shape;
  if (!is_picture(in) || in != out)
    return fail(ErrorCode::unsupported,
                "a colour table needs a picture [1, 3, H, W] in and out; this network makes {} of {}", to_string(out),
                to_string(in));
  const Halo halo = receptive_field(graph, 1);
  if (halo.global)
    return fail(ErrorCode::unsupported, "no colour table for this network: it looks at the whole picture at once");
  if (halo.before_y || halo.after_y || halo.before_x || halo.after_x)
    return fail(ErrorCode::unsupported, "no colour table for this network: it looks at neighbouring pixels");

  // A receptive field of one pixel still allows pixels to be treated by where they are (a constant picture that is
  // added, every second pixel dropped and made again). So everything the picture flows through is one of the ops that
  // do not know where a pixel is, and what joins it from elsewhere is the same for all pixels.
  std::vector<bool> of_pixels(graph.values.size());
  of_pixels[static_cast<size_t>(graph.inputs[0])] = true;
  for (const Node& node : graph.nodes) {
    const bool has_weights = std::holds_alternative<Conv2d>(node.op) || std::holds_alternative<PRelu>(node.op) ||
                             std::holds_alternative<BatchNorm>(node.op);
    bool any = false, position = false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const bool pixels = of_pixels[static_cast<size_t>(node.inputs[i])];
      any |= pixels;
      const bool weights = i > 0 && has_weights;  // shapes of their own, uniform by meaning
      position |= weights ? pixels : !pixels && !is_uniform(graph.value(node.inputs[i]).shape);
    }
    if (!any) continue;
    if (!keeps_pixels_apart(graph, node) || position)
      return fail(ErrorCode::unsupported,
                  "no colour table for this network: its {} may treat pixels by where they are in the picture",
                  op_name(node.op));
    of_pixels[static_cast<size_t>(node.output)] = true;
  }
  if (!of_pixels[static_cast<size_t>(graph.outputs[0])])
    return fail(ErrorCode::unsupported, "no colour table for this network: its output does not depend on the picture");
  return {};
}

Result<Graph> with_picture_size(const Graph& graph, int height, int width) {
  Graph resized = graph;
  Shape& picture = resized.value(resized.inputs[0]).shape;
  picture.set_dim(2, height);
  picture.set_dim(3, width);
  for (const Node& node : resized.nodes) {
    std::vector<Shape> shapes;
    for (ValueId id : node.inputs) shapes.push_back(resized.value(id).shape);
    FL_TRY(resized.value(node.output).shape, infer_shape(node.op, shapes));
  }
  return resized;
}

}  // namespace framelift
