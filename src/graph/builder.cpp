#include <fmt/format.h>

#include "graph/graph.h"
#include "graph/op.h"

namespace framelift {
namespace {
const Shape broken_shape{1, 1, 1, 1};  // stands in after a mistake, so that building can go on
}

const Shape& GraphBuilder::shape(ValueId x) const {
  return x >= 0 && x < static_cast<ValueId>(graph_.values.size()) ? graph_.value(x).shape : broken_shape;
}

ValueId GraphBuilder::input(std::string name, Shape shape) {
  const auto id = static_cast<ValueId>(graph_.values.size());
  graph_.values.push_back({ValueKind::input, DType::f32, shape, std::move(name), nullptr});
  graph_.inputs.push_back(id);
  return id;
}

ValueId GraphBuilder::parameter(std::string name, Shape shape) {
  const auto id = static_cast<ValueId>(graph_.values.size());
  graph_.values.push_back({ValueKind::parameter, DType::f32, shape, std::move(name), nullptr});
  return id;
}

ValueId GraphBuilder::constant(Tensor tensor) {
  const auto id = static_cast<ValueId>(graph_.values.size());
  auto shared = std::make_shared<const Tensor>(std::move(tensor));
  graph_.values.push_back({ValueKind::constant, shared->dtype(), shared->shape(), {}, std::move(shared)});
  return id;
}

ValueId GraphBuilder::add_node(Op op, std::vector<ValueId> inputs, std::string name) {
  if (name.empty()) name = fmt::format("{}_{}", op_name(op), graph_.nodes.size());
  std::vector<Shape> shapes;
  for (ValueId id : inputs) shapes.push_back(shape(id));
  auto result = infer_shape(op, shapes);
  if (!result && status_) status_ = fail(result.error().code, "{} ({}): {}", name, op_name(op), result.error().message);
  const auto id = static_cast<ValueId>(graph_.values.size());
  graph_.values.push_back({ValueKind::result, DType::f32, result ? *result : broken_shape, std::move(name), nullptr});
  graph_.nodes.push_back({std::move(op), std::move(inputs), id});
  return id;
}

ValueId GraphBuilder::conv2d(ValueId x, std::string_view name, int64_t out_channels, int kernel, Conv2d attributes,
                             bool bias) {
  const int64_t in_channels = shape(x).rank() == 4 ? shape(x)[1] : 1;
  std::vector<ValueId> inputs{
      x, parameter(fmt::format("{}.weight", name), {out_channels, in_channels / attributes.groups, kernel, kernel})};
  if (bias) inputs.push_back(parameter(fmt::format("{}.bias", name), {out_channels}));
  return add_node(attributes, std::move(inputs), std::string(name));
}

ValueId GraphBuilder::conv2d_same(ValueId x, std::string_view name, int64_t out_channels, int kernel) {
  Conv2d attributes;
  attributes.pad = Padding::same(kernel / 2);
  return conv2d(x, name, out_channels, kernel, attributes);
}

ValueId GraphBuilder::conv_transpose2d(ValueId x, std::string_view name, int64_t out_channels, int kernel,
                                       ConvTranspose2d attributes) {
  const int64_t in_channels = shape(x).rank() == 4 ? shape(x)[1] : 1;
  return add_node(attributes,
                  {x, parameter(fmt::format("{}.weight", name), {in_channels, out_channels, kernel, kernel}),
                   parameter(fmt::format("{}.bias", name), {out_channels})},
                  std::string(name));
}

ValueId GraphBuilder::prelu(ValueId x, std::string_view name) {
  const int64_t channels = shape(x).rank() >= 2 ? shape(x)[1] : 1;
  return add_node(PRelu{}, {x, parameter(fmt::format("{}.weight", name), {channels})}, std::string(name));
}

ValueId GraphBuilder::instance_norm(ValueId x, std::string_view name, float epsilon) {
  const int64_t channels = shape(x).rank() >= 2 ? shape(x)[1] : 1;
  return add_node(
      InstanceNorm{epsilon},
      {x, parameter(fmt::format("{}.weight", name), {channels}), parameter(fmt::format("{}.bias", name), {channels})},
      std::string(name));
}

ValueId GraphBuilder::batch_norm(ValueId x, std::string_view name, float epsilon) {
  const int64_t channels = shape(x).rank() >= 2 ? shape(x)[1] : 1;
  std::vector<ValueId> inputs{x};
  for (const char* which : {"weight", "bias", "running_mean", "running_var"})
    inputs.push_back(parameter(fmt::format("{}.{}", name, which), {channels}));
  return add_node(BatchNorm{epsilon}, std::move(inputs), std::string(name));
}

ValueId GraphBuilder::linear(ValueId x, std::string_view name, int64_t out_features) {
  return add_node(Linear{},
                  {x, parameter(fmt::format("{}.weight", name), {out_features, shape(x)[-1]}),
                   parameter(fmt::format("{}.bias", name), {out_features})},
                  std::string(name));
}

void GraphBuilder::output(ValueId x, std::string name) {
  graph_.value(x).name = std::move(name);
  graph_.outputs.push_back(x);
}

Result<Graph> GraphBuilder::finish() && {
  if (!status_) return fail(std::move(status_.error()));
  if (graph_.outputs.empty()) return fail(ErrorCode::internal, "a graph without outputs");
  return std::move(graph_);
}

}  // namespace framelift
