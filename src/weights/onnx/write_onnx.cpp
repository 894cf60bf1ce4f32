#include "weights/onnx/write_onnx.h"

#include <algorithm>
#include <limits>
#include <numbers>
#include <set>

#include "graph/op.h"
#include "onnx.pb.h"

namespace framelift {
namespace {

constexpr int ir_version = 8;  // of ONNX 1.12
constexpr int32_t type_float = 1, type_uint8 = 2, type_int8 = 3, type_int64 = 7;

using Names = std::vector<std::string>;
using Integers = std::vector<int64_t>;

std::vector<int64_t> dims_of(const Shape& shape) { return {shape.dims().begin(), shape.dims().end()}; }

// One node whose attributes are being filled in.
class NodeWriter {
 public:
  explicit NodeWriter(onnx::NodeProto& node) : node_(node) {}

  NodeWriter& set(const char* name, int64_t value) {
    onnx::AttributeProto& a = add(name, onnx::AttributeProto::INT);
    a.set_i(value);
    return *this;
  }
  NodeWriter& set(const char* name, float value) {
    onnx::AttributeProto& a = add(name, onnx::AttributeProto::FLOAT);
    a.set_f(value);
    return *this;
  }
  NodeWriter& set(const char* name, const char* value) {
    onnx::AttributeProto& a = add(name, onnx::AttributeProto::STRING);
    a.set_s(value);
    return *this;
  }
  NodeWriter& set(const char* name, const Integers& values) {
    onnx::AttributeProto& a = add(name, onnx::AttributeProto::INTS);
    a.mutable_ints()->Add(values.begin(), values.end());
    return *this;
  }

 private:
  onnx::AttributeProto& add(const char* name, onnx::AttributeProto::AttributeType type) {
    onnx::AttributeProto& a = *node_.add_attribute();
    a.set_name(name);
    a.set_type(type);
    return a;
  }
  onnx::NodeProto& node_;
};

}  // namespace

class OnnxWriter::Model {
 public:
  Result<Names> add(const Graph& graph, const Parameters& parameters, bool any_size) {
    graph_ = &graph;
    names_.assign(graph.values.size(), {});
    for (const ValueId id : graph.inputs) {
      const std::string& name = graph.value(id).name;
      names_[static_cast<size_t>(id)] = name;
      if (taken_.contains(name)) continue;  // an earlier graph's output
      taken_.insert(name);
      declare(*proto.mutable_graph()->add_input(), name, graph.value(id).shape, any_size, name);
    }
    for (size_t i = 0; i < graph.values.size(); ++i) {
      const Value& value = graph.values[i];
      if (value.kind == ValueKind::constant)
        names_[i] = value.shape == Shape{1} ? number(value.constant->f32()[0])
                                            : add_tensor(unique("constant"), *value.constant);
      if (value.kind != ValueKind::parameter) continue;
      const auto found = parameters.find(value.name);
      if (found == parameters.end() || found->second.shape() != value.shape)
        return fail(ErrorCode::invalid_argument, "weight {} {} is missing", value.name, to_string(value.shape));
      names_[i] = add_tensor(unique(value.name), found->second);
    }
    for (const Node& node : graph.nodes) {
      node_ = &node;
      const std::string& name = graph.value(node.output).name;
      const bool is_output = graph.outputs[0] == node.output;
      names_[static_cast<size_t>(node.output)] = unique(is_output && taken_.contains(name) ? "output" : name);
      if (!std::visit([this](const auto& op) { return write(op); }, node.op))
        return fail(ErrorCode::unsupported, "{} is a formula of its own, which ONNX has no form for", op_name(node.op));
    }
    Names outputs;
    for (const ValueId id : graph.outputs) {
      outputs.push_back(names_[static_cast<size_t>(id)]);
      output_shapes_[outputs.back()] = {graph.value(id).shape, any_size};
    }
    return outputs;
  }

  void output(const std::string& name) {
    const auto& [shape, any_size] = output_shapes_.at(name);
    declare(*proto.mutable_graph()->add_output(), name, shape, any_size, name);
  }

  onnx::ModelProto proto;

 private:
  // ---- names, tensors, nodes

  std::string unique(const std::string& wanted) {
    std::string name = wanted.empty() ? "value" : wanted;
    for (int i = 1; !taken_.insert(name).second; ++i) name = fmt::format("{}_{}", wanted, i);
    return name;
  }

  static void declare(onnx::ValueInfoProto& info, const std::string& name, const Shape& shape, bool any_size,
                      const std::string& prefix) {
    info.set_name(name);
    auto* type = info.mutable_type()->mutable_tensor_type();
    type->set_elem_type(type_float);
    for (int i = 0; i < shape.rank(); ++i) {
      auto* dim = type->mutable_shape()->add_dim();
      const bool open = any_size && shape.rank() == 4 && i >= 2 && shape[2] * shape[3] > 1;
      if (open)
        dim->set_dim_param(prefix + (i == 2 ? "_height" : "_width"));
      else
        dim->set_dim_value(shape[i]);
    }
  }

  std::string add_tensor(const std::string& name, const Tensor& tensor) {
    const Tensor numbers = tensor.to_f32();
    onnx::TensorProto& t = *proto.mutable_graph()->add_initializer();
    t.set_name(name);
    t.set_data_type(type_float);
    for (const int64_t dim : numbers.shape().dims()) t.add_dims(dim);
    t.set_raw_data(numbers.data(), numbers.bytes());
    return name;
  }
  std::string integers(const Integers& values) {
    onnx::TensorProto& t = *proto.mutable_graph()->add_initializer();
    t.set_name(unique("shape"));
    t.set_data_type(type_int64);
    t.add_dims(static_cast<int64_t>(values.size()));
    t.set_raw_data(values.data(), values.size() * sizeof(int64_t));
    return t.name();
  }
  std::string numbers(const std::vector<float>& values) {
    return add_tensor(unique("constant"), Tensor::from_f32({static_cast<int64_t>(values.size())}, values));
  }
  std::string number(float value) {  // a scalar
    return add_tensor(unique("constant"), Tensor::from_f32({}, std::span(&value, 1)));
  }

  const std::string& in(size_t i) const { return names_[static_cast<size_t>(node_->inputs[i])]; }
  const std::string& out() const { return names_[static_cast<size_t>(node_->output)]; }
  const Shape& in_shape(size_t i) const { return graph_->value(node_->inputs[i]).shape; }
  const Shape& out_shape() const { return graph_->value(node_->output).shape; }
  Names inputs() const {
    Names names;
    for (size_t i = 0; i < node_->inputs.size(); ++i) names.push_back(in(i));
    return names;
  }

  NodeWriter node(const char* type, const Names& from, const std::string& to) {
    onnx::NodeProto& node = *proto.mutable_graph()->add_node();
    node.set_op_type(type);
    node.set_name(to);
    for (const std::string& name : from) node.add_input(name);
    node.add_output(to);
    return NodeWriter(node);
  }
  // One of several nodes that an op becomes; the last one's result is out().
  std::string step(const char* type, const Names& from) {
    std::string name = unique(out() + "_" + type);
    node(type, from, name);
    return name;
  }
  bool plain(const char* type) {
    node(type, inputs(), out());
    return true;
  }

  static Integers pads(const Padding& p) { return {p.top, p.left, p.bottom, p.right}; }

  // ---- ops; false: there is no ONNX form

  bool write(const Conv2d& c) {
    node("Conv", inputs(), out())
        .set("strides", Integers{c.stride[0], c.stride[1]})
        .set("dilations", Integers{c.dilation[0], c.dilation[1]})
        .set("group", int64_t{c.groups})
        .set("pads", pads(c.pad))
        .set("kernel_shape", Integers{in_shape(1)[2], in_shape(1)[3]});
    return true;
  }
  bool write(const ConvTranspose2d& c) {
    node("ConvTranspose", inputs(), out())
        .set("strides", Integers{c.stride[0], c.stride[1]})
        .set("pads", pads(c.pad))
        .set("kernel_shape", Integers{in_shape(1)[2], in_shape(1)[3]});
    return true;
  }
  bool write(const Relu&) { return plain("Relu"); }
  bool write(const Softplus&) { return plain("Softplus"); }
  bool write(const Selu&) { return plain("Selu"); }
  bool write(const Sigmoid&) { return plain("Sigmoid"); }
  bool write(const Tanh&) { return plain("Tanh"); }
  bool write(const Abs&) { return plain("Abs"); }
  // Integers of 8 bits there and back, cut first where the grid has fewer than 256. A zero point makes them signed or
  // not.
  bool write(const FakeQuantize& a) {
    const Integers scales{in_shape(1)[0]};
    const bool is_signed = a.low < 0 && a.high <= 127 && a.low >= -128;
    if (a.high - a.low > 255 || (scales[0] > 1 && a.high - a.low < 255)) return false;
    onnx::TensorProto& zero = *proto.mutable_graph()->add_initializer();
    zero.set_name(unique("zero_point"));
    zero.set_data_type(is_signed ? type_int8 : type_uint8);
    if (scales[0] > 1) zero.add_dims(scales[0]);
    zero.set_raw_data(std::string(static_cast<size_t>(scales[0]), static_cast<char>(is_signed ? 0 : -a.low)));
    const std::string point = zero.name();
    const std::string scale = scales[0] > 1 ? in(1) : step("Reshape", {in(1), integers({})});
    std::string x = in(0);
    if (a.high - a.low < 255)
      x = step("Clip", {x, step("Mul", {scale, number(static_cast<float>(a.low))}),
                        step("Mul", {scale, number(static_cast<float>(a.high))})});
    const std::string steps = unique(out() + "_QuantizeLinear");
    node("QuantizeLinear", {x, scale, point}, steps).set("axis", int64_t{0});
    node("DequantizeLinear", {steps, scale, point}, out()).set("axis", int64_t{0});
    return true;
  }
  bool write(const HardSwish&) { return plain("HardSwish"); }
  bool write(const Add&) { return plain("Add"); }
  bool write(const Sub&) { return plain("Sub"); }
  bool write(const Mul&) { return plain("Mul"); }
  bool write(const Div&) { return plain("Div"); }
  bool write(const MatMul&) { return plain("MatMul"); }
  bool write(const GlobalAveragePool&) { return plain("GlobalAveragePool"); }
  bool write(const LeakyRelu& a) {
    node("LeakyRelu", inputs(), out()).set("alpha", a.slope);
    return true;
  }
  // One slope per channel broadcasts as [C,1,1]; some engines take it as a tensor of the file only.
  bool write(const PRelu&) {
    Integers shape{in_shape(1).elements()};
    shape.resize(static_cast<size_t>(in_shape(0).rank()) - 1, 1);
    auto& tensors = *proto.mutable_graph()->mutable_initializer();
    const auto slope = std::ranges::find(tensors, in(1), &onnx::TensorProto::name);
    if (slope == tensors.end()) {
      node("PRelu", {in(0), step("Reshape", {in(1), integers(shape)})}, out());
      return true;
    }
    slope->mutable_dims()->Assign(shape.begin(), shape.end());
    return plain("PRelu");
  }
  bool write(const Clamp& a) {
    node("Clip", {in(0), number(a.low), number(a.high)}, out());
    return true;
  }
  // Operator set 20 has one of its own.
  bool write(const Gelu&) {
    const std::string erf = step("Erf", {step("Div", {in(0), number(std::numbers::sqrt2_v<float>)})});
    node("Mul", {step("Mul", {in(0), step("Add", {erf, number(1)})}), number(0.5f)}, out());
    return true;
  }
  bool write(const Log1p&) {
    node("Log", {step("Add", {in(0), number(1)})}, out());
    return true;
  }
  bool write(const Pow& a) {
    node("Pow", {in(0), number(a.exponent)}, out());
    return true;
  }
  bool write(const Concat& a) {
    node("Concat", inputs(), out()).set("axis", int64_t{a.axis});
    return true;
  }
  bool write(const PixelShuffle& a) {
    node("DepthToSpace", inputs(), out()).set("blocksize", int64_t{a.factor}).set("mode", "CRD");
    return true;
  }
  // SpaceToDepth orders channels [row, column, channel]; this is [channel, row, column].
  bool write(const PixelUnshuffle& a) {
    const int64_t channels = in_shape(0)[1], block = int64_t{a.factor} * a.factor;
    Integers order;
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < block; ++i) order.push_back(i * channels + c);
    const std::string deep = unique(out() + "_SpaceToDepth");
    node("SpaceToDepth", inputs(), deep).set("blocksize", int64_t{a.factor});
    node("Gather", {deep, integers(order)}, out()).set("axis", int64_t{1});
    return true;
  }
  bool write(const Crop& a) {
    const auto end = [](int cut) { return cut > 0 ? -int64_t{cut} : std::numeric_limits<int64_t>::max(); };
    node("Slice",
         {in(0), integers({a.edges.top, a.edges.left}), integers({end(a.edges.bottom), end(a.edges.right)}),
          integers({2, 3})},
         out());
    return true;
  }
  bool write(const Pad& a) {
    const Padding& p = a.edges;
    node("Pad", {in(0), integers({0, 0, p.top, p.left, 0, 0, p.bottom, p.right})}, out())
        .set("mode", a.mode == PadMode::zero      ? "constant"
                     : a.mode == PadMode::reflect ? "reflect"
                                                  : "edge");
    return true;
  }
  bool write(const Slice& a) {
    node("Slice", {in(0), integers({a.begin}), integers({a.end}), integers({a.axis})}, out());
    return true;
  }
  bool write(const Repeat& a) {
    node("Tile", {in(0), integers({1, 1, a.rows, a.columns})}, out());
    return true;
  }
  bool write(const Resize& a) {
    const bool nearest = a.mode == ResizeMode::nearest;
    const auto scale = [](int n) { return static_cast<float>(n); };
    node("Resize", {in(0), "", numbers({1, 1, scale(a.scale_y), scale(a.scale_x)})}, out())
        .set("mode", nearest ? "nearest" : "linear")
        .set("coordinate_transformation_mode", nearest ? "asymmetric" : "half_pixel")
        .set("nearest_mode", "floor");
    return true;
  }
  bool write(const ResizeTo& a) {
    node("Resize", {in(0), "", "", integers(dims_of(out_shape()))}, out())
        .set("mode", "linear")
        .set("coordinate_transformation_mode", a.align_corners ? "align_corners" : "half_pixel");
    return true;
  }
  NodeWriter pool(const char* type, int kernel, int stride, int pad) {
    return node(type, inputs(), out())
        .set("kernel_shape", Integers{kernel, kernel})
        .set("strides", Integers{stride, stride})
        .set("pads", Integers{pad, pad, pad, pad});
  }
  bool write(const AveragePool2d& a) {
    pool("AveragePool", a.kernel, a.stride, a.pad).set("count_include_pad", int64_t{1});
    return true;
  }
  bool write(const MaxPool2d& a) {
    pool("MaxPool", a.kernel, a.stride, a.pad);
    return true;
  }
  bool write(const Mean&) {
    const std::string mean = unique(out() + "_ReduceMean");
    node("ReduceMean", inputs(), mean).set("keepdims", int64_t{0});
    node("Reshape", {mean, integers({1})}, out());
    return true;
  }
  bool write(const InstanceNorm& a) {
    node("InstanceNormalization", inputs(), out()).set("epsilon", a.epsilon);
    return true;
  }
  bool write(const BatchNorm& a) {
    node("BatchNormalization", inputs(), out()).set("epsilon", a.epsilon);
    return true;
  }
  bool write(const LayerNorm& a) {
    const std::string last = unique(out() + "_Transpose"), normal = unique(out() + "_LayerNormalization");
    node("Transpose", inputs(), last).set("perm", Integers{0, 2, 3, 1});
    const std::vector<float> ones(static_cast<size_t>(in_shape(0)[1]), 1.0f);
    node("LayerNormalization", {last, numbers(ones)}, normal).set("axis", int64_t{-1}).set("epsilon", a.epsilon);
    node("Transpose", {normal}, out()).set("perm", Integers{0, 3, 1, 2});
    return true;
  }
  bool write(const Softmax& a) {
    node("Softmax", inputs(), out()).set("axis", int64_t{a.axis});
    return true;
  }
  bool write(const Linear&) {
    if (in_shape(0).rank() == 2) {
      node("Gemm", inputs(), out()).set("transB", int64_t{1});
      return true;
    }
    const std::string transposed = unique(out() + "_Transpose");
    node("Transpose", {in(1)}, transposed).set("perm", Integers{1, 0});
    if (node_->inputs.size() < 3) {
      node("MatMul", {in(0), transposed}, out());
    } else {
      node("Add", {step("MatMul", {in(0), transposed}), in(2)}, out());
    }
    return true;
  }
  bool write(const Permute& a) {
    node("Transpose", inputs(), out()).set("perm", Integers{a.order.begin(), a.order.end()});
    return true;
  }
  bool write(const Reshape& a) {
    node("Reshape", {in(0), integers(dims_of(a.shape))}, out());
    return true;
  }
  bool write(const InverseToneMap&) { return false; }

  std::set<std::string> taken_;
  std::map<std::string, std::pair<Shape, bool>> output_shapes_;
  // Of the graph at hand.
  const Graph* graph_ = nullptr;
  const Node* node_ = nullptr;
  Names names_;  // per value
};

OnnxWriter::OnnxWriter() : model_(std::make_unique<Model>()) {}
OnnxWriter::OnnxWriter(OnnxWriter&&) noexcept = default;
OnnxWriter::~OnnxWriter() = default;

Result<std::vector<std::string>> OnnxWriter::add(const Graph& graph, const Parameters& parameters, bool any_size) {
  return model_->add(graph, parameters, any_size);
}

void OnnxWriter::output(const std::string& name) { model_->output(name); }

std::string OnnxWriter::nodes() const {
  onnx::GraphProto graph = model_->proto.graph();
  graph.clear_input();
  graph.clear_output();
  return graph.SerializeAsString();
}

Result<std::string> OnnxWriter::finish(const std::map<std::string, std::string>& metadata) && {
  onnx::ModelProto& proto = model_->proto;
  proto.set_ir_version(ir_version);
  proto.set_producer_name("framelift");
  proto.add_opset_import()->set_version(onnx_export_opset);
  proto.mutable_graph()->set_name("framelift");
  for (const auto& [key, value] : metadata) {
    auto* entry = proto.add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
  if (proto.ByteSizeLong() > std::numeric_limits<int32_t>::max())
    return fail(ErrorCode::unsupported, "the weights are more than the 2 GiB that one ONNX file can hold");
  return proto.SerializeAsString();
}

}  // namespace framelift
