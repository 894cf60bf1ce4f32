#include "backend/openvino/lower.h"

#include <numeric>
#include <openvino/opsets/opset13.hpp>

namespace framelift {
namespace {

namespace op = ov::opset13;

ov::Output<ov::Node> scalar(float value) { return op::Constant::create(ov::element::f32, {1}, {value}); }

class Lowering {
 public:
  explicit Lowering(const Graph& graph) : graph_(graph), outputs_(graph.values.size()) {}

  std::shared_ptr<ov::Model> run() {
    ov::ParameterVector parameters;
    for (ValueId id : graph_.inputs) {
      const Value& value = graph_.value(id);
      auto parameter = std::make_shared<op::Parameter>(ov::element::f32, shape_of(value));
      parameter->set_friendly_name(value.name);
      outputs_[static_cast<size_t>(id)] = parameter->output(0);
      parameters.push_back(std::move(parameter));
    }
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const Value& value = graph_.values[i];
      if (value.kind == ValueKind::constant)
        outputs_[i] = std::make_shared<op::Constant>(ov::element::f32, shape_of(value), value.constant->data());
    }
    for (const Node& node : graph_.nodes) {
      node_ = &node;
      auto result = std::visit([this](const auto& attributes) { return lower(attributes); }, node.op);
      result.get_node()->set_friendly_name(graph_.value(node.output).name);
      outputs_[static_cast<size_t>(node.output)] = std::move(result);
    }
    ov::ResultVector results;
    for (ValueId id : graph_.outputs)
      results.push_back(std::make_shared<op::Result>(outputs_[static_cast<size_t>(id)]));
    return std::make_shared<ov::Model>(results, parameters, "framelift");
  }

 private:
  using Out = ov::Output<ov::Node>;

  static ov::Shape shape_of(const Value& value) {
    return ov::Shape(value.shape.dims().begin(), value.shape.dims().end());
  }
  const Out& in(size_t i) const { return outputs_[static_cast<size_t>(node_->inputs[i])]; }
  const Shape& in_shape(size_t i) const { return graph_.value(node_->inputs[i]).shape; }

  Out lower(const Conv2d& c) const {
    const ov::Strides stride{static_cast<size_t>(c.stride[0]), static_cast<size_t>(c.stride[1])};
    const ov::Strides dilation{static_cast<size_t>(c.dilation[0]), static_cast<size_t>(c.dilation[1])};
    const ov::CoordinateDiff begin{c.pad.top, c.pad.left}, end{c.pad.bottom, c.pad.right};
    Out result;
    if (c.groups == 1) {
      result = std::make_shared<op::Convolution>(in(0), in(1), stride, begin, end, dilation);
    } else {
      const Shape& w = in_shape(1);
      auto grouped =
          op::Constant::create(ov::element::i64, {5}, {int64_t{c.groups}, w[0] / c.groups, w[1], w[2], w[3]});
      auto weight = std::make_shared<op::Reshape>(in(1), grouped, false);
      result = std::make_shared<op::GroupConvolution>(in(0), weight, stride, begin, end, dilation);
    }
    if (node_->inputs.size() < 3) return result;
    return with_bias(result);
  }
  // Adds input 2, one number per channel.
  Out with_bias(const Out& x) const {
    auto per_channel =
        op::Constant::create(ov::element::i64, {4}, {int64_t{1}, in_shape(2)[0], int64_t{1}, int64_t{1}});
    return std::make_shared<op::Add>(x, std::make_shared<op::Reshape>(in(2), per_channel, false));
  }
  Out lower(const ConvTranspose2d& c) const {
    const ov::Strides stride{static_cast<size_t>(c.stride[0]), static_cast<size_t>(c.stride[1])};
    const ov::CoordinateDiff begin{c.pad.top, c.pad.left}, end{c.pad.bottom, c.pad.right};
    const auto result =
        std::make_shared<op::ConvolutionBackpropData>(in(0), in(1), stride, begin, end, ov::Strides{1, 1});
    return node_->inputs.size() < 3 ? Out(result) : with_bias(result);
  }
  Out lower(const Softplus&) const { return std::make_shared<op::SoftPlus>(in(0)); }
  Out lower(const Selu&) const {
    return std::make_shared<op::Selu>(in(0), scalar(1.6732632423543772f), scalar(1.0507009873554805f));
  }
  Out lower(const Sigmoid&) const { return std::make_shared<op::Sigmoid>(in(0)); }
  Out lower(const Tanh&) const { return std::make_shared<op::Tanh>(in(0)); }
  Out lower(const Softmax& a) const { return std::make_shared<op::Softmax>(in(0), a.axis); }
  Out lower(const Abs&) const { return std::make_shared<op::Abs>(in(0)); }
  Out lower(const Gelu&) const { return std::make_shared<op::Gelu>(in(0), ov::op::GeluApproximationMode::ERF); }
  Out lower(const Log1p&) const { return std::make_shared<op::Log>(std::make_shared<op::Add>(in(0), scalar(1))); }
  Out lower(const Pow& a) const { return std::make_shared<op::Power>(in(0), scalar(a.exponent)); }
  Out lower(const Mean&) const {
    std::vector<int64_t> axes(static_cast<size_t>(in_shape(0).rank()));
    std::iota(axes.begin(), axes.end(), 0);
    auto all = op::Constant::create(ov::element::i64, {axes.size()}, axes);
    auto mean = std::make_shared<op::ReduceMean>(in(0), all, false);
    return std::make_shared<op::Unsqueeze>(mean, op::Constant::create(ov::element::i64, {1}, {0}));
  }
  Out lower(const Sub&) const { return std::make_shared<op::Subtract>(in(0), in(1)); }
  Out lower(const Div&) const { return std::make_shared<op::Divide>(in(0), in(1)); }
  Out lower(const Relu&) const { return std::make_shared<op::Relu>(in(0)); }
  Out lower(const LeakyRelu& a) const { return std::make_shared<op::PRelu>(in(0), scalar(a.slope)); }
  Out lower(const PRelu&) const { return std::make_shared<op::PRelu>(in(0), in(1)); }
  Out lower(const Clamp& a) const { return std::make_shared<op::Clamp>(in(0), a.low, a.high); }
  Out lower(const Add&) const { return std::make_shared<op::Add>(in(0), in(1)); }
  Out lower(const Mul&) const { return std::make_shared<op::Multiply>(in(0), in(1)); }
  Out lower(const Concat& a) const {
    ov::OutputVector parts;
    for (size_t i = 0; i < node_->inputs.size(); ++i) parts.push_back(in(i));
    return std::make_shared<op::Concat>(parts, a.axis);
  }
  Out lower(const PixelShuffle& a) const {
    return std::make_shared<op::DepthToSpace>(in(0), op::DepthToSpace::DepthToSpaceMode::DEPTH_FIRST,
                                              static_cast<size_t>(a.factor));
  }
  Out lower(const PixelUnshuffle& a) const {
    return std::make_shared<op::SpaceToDepth>(in(0), op::SpaceToDepth::SpaceToDepthMode::DEPTH_FIRST,
                                              static_cast<size_t>(a.factor));
  }
  static Out integers(const std::vector<int64_t>& values) {
    return op::Constant::create(ov::element::i64, {values.size()}, values);
  }
  Out lower(const Crop& a) const {
    const Shape& s = in_shape(0);
    const Padding& p = a.edges;
    return std::make_shared<op::Slice>(in(0), integers({p.top, p.left}), integers({s[2] - p.bottom, s[3] - p.right}),
                                       integers({1, 1}), integers({2, 3}));
  }
  Out lower(const Pad& a) const {
    const Padding& p = a.edges;
    const auto mode = a.mode == PadMode::zero      ? ov::op::PadMode::CONSTANT
                      : a.mode == PadMode::reflect ? ov::op::PadMode::REFLECT
                                                   : ov::op::PadMode::EDGE;
    return std::make_shared<op::Pad>(in(0), integers({0, 0, p.top, p.left}), integers({0, 0, p.bottom, p.right}),
                                     op::Constant::create(ov::element::f32, {}, {0.0f}), mode);
  }
  Out lower(const Slice& a) const {
    return std::make_shared<op::Slice>(in(0), integers({a.begin}), integers({a.end}), integers({1}),
                                       integers({a.axis}));
  }
  Out lower(const Repeat& a) const { return std::make_shared<op::Tile>(in(0), integers({1, 1, a.rows, a.columns})); }
  Out lower(const Permute& a) const {
    return std::make_shared<op::Transpose>(in(0), integers({a.order.begin(), a.order.end()}));
  }
  Out lower(const MatMul&) const { return std::make_shared<op::MatMul>(in(0), in(1), false, false); }
  // As a normalisation of the last axis, which the CPU has in one pass; along the second it would be made of parts.
  Out lower(const LayerNorm& a) const {
    const Shape& s = in_shape(0);
    const Out last = std::make_shared<op::Transpose>(in(0), integers({0, 2, 3, 1}));
    const Out lines = std::make_shared<op::Reshape>(last, integers({s[0], s[2] * s[3], s[1]}), false);
    const Out normal =
        std::make_shared<op::MVN>(lines, integers({2}), true, a.epsilon, ov::op::MVNEpsMode::INSIDE_SQRT);
    const Out pixels = std::make_shared<op::Reshape>(normal, integers({s[0], s[2], s[3], s[1]}), false);
    return std::make_shared<op::Transpose>(pixels, integers({0, 3, 1, 2}));
  }
  Out lower(const Resize& a) const {
    using Interpolate = op::Interpolate;
    Interpolate::InterpolateAttrs attributes;
    const bool nearest = a.mode == ResizeMode::nearest;
    attributes.mode = nearest ? Interpolate::InterpolateMode::NEAREST : Interpolate::InterpolateMode::LINEAR_ONNX;
    attributes.coordinate_transformation_mode =
        nearest ? Interpolate::CoordinateTransformMode::ASYMMETRIC : Interpolate::CoordinateTransformMode::HALF_PIXEL;
    attributes.nearest_mode = Interpolate::NearestMode::FLOOR;
    attributes.shape_calculation_mode = Interpolate::ShapeCalcMode::SCALES;
    auto scales = op::Constant::create(ov::element::f32, {2}, {float(a.scale_y), float(a.scale_x)});
    auto axes = op::Constant::create(ov::element::i64, {2}, {2, 3});
    return std::make_shared<Interpolate>(in(0), scales, axes, attributes);
  }
  Out lower(const ResizeTo& a) const {
    using Interpolate = op::Interpolate;
    Interpolate::InterpolateAttrs attributes;
    attributes.mode = Interpolate::InterpolateMode::LINEAR_ONNX;
    attributes.coordinate_transformation_mode = a.align_corners ? Interpolate::CoordinateTransformMode::ALIGN_CORNERS
                                                                : Interpolate::CoordinateTransformMode::HALF_PIXEL;
    attributes.shape_calculation_mode = Interpolate::ShapeCalcMode::SIZES;
    auto sizes = op::Constant::create(ov::element::i64, {2}, {int64_t{a.height}, int64_t{a.width}});
    auto axes = op::Constant::create(ov::element::i64, {2}, {2, 3});
    return std::make_shared<Interpolate>(in(0), sizes, axes, attributes);
  }
  // As the ends of its range, by which OpenVINO recognises what can run as integers.
  Out lower(const FakeQuantize& a) const {
    const std::span<const float> scale = graph_.value(node_->inputs[1]).constant->f32();
    ov::Shape per_entry(static_cast<size_t>(in_shape(0).rank()), 1);
    per_entry[0] = scale.size();
    const auto end = [&](int step) -> Out {
      std::vector<float> ends(scale.begin(), scale.end());
      for (float& value : ends) value *= static_cast<float>(step);
      return op::Constant::create(ov::element::f32, per_entry, ends);
    };
    const Out low = end(a.low), high = end(a.high);
    return std::make_shared<op::FakeQuantize>(in(0), low, high, low, high, static_cast<size_t>(a.high - a.low) + 1);
  }
  Out lower(const HardSwish&) const { return std::make_shared<op::HSwish>(in(0)); }

  Out lower(const AveragePool2d& a) const {
    const auto square = [](int n) { return ov::Shape{static_cast<size_t>(n), static_cast<size_t>(n)}; };
    return std::make_shared<op::AvgPool>(in(0), ov::Strides(square(a.stride)), square(a.pad), square(a.pad),
                                         square(a.kernel), false, ov::op::RoundingType::FLOOR);
  }
  Out lower(const MaxPool2d& a) const {
    const auto square = [](int n) { return ov::Shape{static_cast<size_t>(n), static_cast<size_t>(n)}; };
    return std::make_shared<op::MaxPool>(in(0), square(a.stride), square(1), square(a.pad), square(a.pad),
                                         square(a.kernel))
        ->output(0);
  }
  Out lower(const GlobalAveragePool&) const {
    return std::make_shared<op::ReduceMean>(in(0), op::Constant::create(ov::element::i64, {2}, {2, 3}), true);
  }
  Out lower(const InstanceNorm& a) const {
    auto axes = op::Constant::create(ov::element::i64, {2}, {2, 3});
    auto normal = std::make_shared<op::MVN>(in(0), axes, true, a.epsilon, ov::op::MVNEpsMode::INSIDE_SQRT);
    auto channels = op::Constant::create(ov::element::i64, {4}, {int64_t{1}, in_shape(1)[0], int64_t{1}, int64_t{1}});
    auto scaled = std::make_shared<op::Multiply>(normal, std::make_shared<op::Reshape>(in(1), channels, false));
    return std::make_shared<op::Add>(scaled, std::make_shared<op::Reshape>(in(2), channels, false));
  }
  Out lower(const BatchNorm& a) const {
    return std::make_shared<op::BatchNormInference>(in(0), in(1), in(2), in(3), in(4), a.epsilon);
  }
  // Never called: OpenVinoBackend::supports() refuses graphs with it.
  Out lower(const InverseToneMap&) const { throw std::logic_error("inverse_tone_map has no OpenVINO form"); }
  Out lower(const Linear&) const {
    Out result = std::make_shared<op::MatMul>(in(0), in(1), false, true);
    return node_->inputs.size() < 3 ? result : Out(std::make_shared<op::Add>(result, in(2)));
  }
  Out lower(const Reshape& a) const {
    const auto dims = a.shape.dims();
    auto shape = std::make_shared<op::Constant>(ov::element::i64, ov::Shape{dims.size()}, dims.data());
    return std::make_shared<op::Reshape>(in(0), shape, false);
  }

  const Graph& graph_;
  std::vector<Out> outputs_;
  const Node* node_ = nullptr;
};

}  // namespace

Result<std::shared_ptr<ov::Model>> lower_to_openvino(const Graph& graph) {
  try {
    return Lowering(graph).run();
  } catch (const std::exception& e) {
    return fail(ErrorCode::internal, "the graph cannot be lowered to OpenVINO: {}", e.what());
  }
}

}  // namespace framelift
