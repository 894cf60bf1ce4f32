#include "backend/torch/plugin/torch_graph.h"

#include <c10/core/impl/LocalDispatchKeySet.h>

#include <optional>
#include <stdexcept>

#include "graph/op.h"

namespace framelift {
namespace {

at::ScalarType scalar_type(DType type) {
  switch (type) {
    case DType::f64: return at::kDouble;
    case DType::f16: return at::kHalf;
    case DType::bf16: return at::kBFloat16;
    case DType::i64: return at::kLong;
    case DType::i32: return at::kInt;
    case DType::i16: return at::kShort;
    case DType::i8: return at::kChar;
    case DType::u8: return at::kByte;
    case DType::boolean: return at::kBool;
    case DType::f32: break;
  }
  return at::kFloat;
}

// One node: its inputs as tensors, in order.
struct Lowering {
  const std::vector<at::Tensor>& in;
  bool training;

  at::Tensor bias(size_t i) const { return in.size() > i ? in[i] : at::Tensor(); }

  at::Tensor operator()(const Conv2d& op) const {
    const Padding& p = op.pad;
    const bool even = p.top == p.bottom && p.left == p.right;
    const at::Tensor x = even ? in[0] : at::constant_pad_nd(in[0], {p.left, p.right, p.top, p.bottom});
    return at::conv2d(x, in[1], bias(2), {op.stride[0], op.stride[1]},
                      even ? at::IntArrayRef{p.top, p.left} : at::IntArrayRef{0, 0}, {op.dilation[0], op.dilation[1]},
                      op.groups);
  }
  at::Tensor operator()(const ConvTranspose2d& op) const {
    const Padding& p = op.pad;
    // Uneven padding: computed without, and cut.
    if (p.top == p.bottom && p.left == p.right)
      return at::conv_transpose2d(in[0], in[1], bias(2), {op.stride[0], op.stride[1]}, {p.top, p.left});
    const at::Tensor whole = at::conv_transpose2d(in[0], in[1], bias(2), {op.stride[0], op.stride[1]});
    return at::constant_pad_nd(whole, {-p.left, -p.right, -p.top, -p.bottom});
  }
  at::Tensor operator()(const Relu&) const { return at::relu(in[0]); }
  at::Tensor operator()(const LeakyRelu& op) const { return at::leaky_relu(in[0], op.slope); }
  at::Tensor operator()(const PRelu&) const { return at::prelu(in[0], in[1]); }
  // The graph's clamp takes NaN to its lower end.
  at::Tensor operator()(const Clamp& op) const {
    return at::clamp(at::where(at::isnan(in[0]), at::full({}, op.low, in[0].options()), in[0]), op.low, op.high);
  }
  at::Tensor operator()(const Softplus&) const { return at::softplus(in[0]); }
  at::Tensor operator()(const Selu&) const { return at::selu(in[0]); }
  at::Tensor operator()(const Sigmoid&) const { return at::sigmoid(in[0]); }
  at::Tensor operator()(const Tanh&) const { return at::tanh(in[0]); }
  at::Tensor operator()(const Softmax& op) const { return at::softmax(in[0], op.axis); }
  at::Tensor operator()(const Abs&) const { return at::abs(in[0]); }
  at::Tensor operator()(const Gelu&) const { return at::gelu(in[0], "none"); }
  at::Tensor operator()(const Log1p&) const { return at::log1p(in[0]); }
  at::Tensor operator()(const Pow& op) const { return at::pow(in[0], op.exponent); }
  at::Tensor operator()(const Add&) const { return at::add(in[0], in[1]); }
  at::Tensor operator()(const Sub&) const { return at::sub(in[0], in[1]); }
  at::Tensor operator()(const Mul&) const { return at::mul(in[0], in[1]); }
  at::Tensor operator()(const Div&) const { return at::div(in[0], in[1]); }
  at::Tensor operator()(const Concat& op) const { return at::cat(in, op.axis); }
  at::Tensor operator()(const PixelShuffle& op) const { return at::pixel_shuffle(in[0], op.factor); }
  at::Tensor operator()(const PixelUnshuffle& op) const { return at::pixel_unshuffle(in[0], op.factor); }
  at::Tensor operator()(const Crop& op) const {
    const Padding& p = op.edges;
    return in[0].slice(2, p.top, in[0].size(2) - p.bottom).slice(3, p.left, in[0].size(3) - p.right);
  }
  at::Tensor operator()(const Pad& op) const {
    const Padding& p = op.edges;
    const char* mode = op.mode == PadMode::zero ? "constant" : op.mode == PadMode::reflect ? "reflect" : "replicate";
    return at::pad(in[0], {p.left, p.right, p.top, p.bottom}, mode);
  }
  at::Tensor operator()(const Slice& op) const { return in[0].slice(op.axis, op.begin, op.end); }
  // Repeated in the order in which pictures lie in memory, channels last.
  at::Tensor operator()(const Repeat& op) const {
    return in[0].permute({0, 2, 3, 1}).repeat({1, op.rows, op.columns, 1}).permute({0, 3, 1, 2});
  }
  at::Tensor operator()(const Permute& op) const {
    return in[0].permute({op.order[0], op.order[1], op.order[2], op.order[3]});
  }
  at::Tensor operator()(const MatMul&) const { return at::matmul(in[0], in[1]); }
  at::Tensor operator()(const LayerNorm& op) const {
    return at::layer_norm(in[0].permute({0, 2, 3, 1}), {in[0].size(1)}, {}, {}, op.epsilon).permute({0, 3, 1, 2});
  }
  at::Tensor operator()(const Resize& op) const {
    const std::array<int64_t, 2> size{in[0].size(2) * op.scale_y, in[0].size(3) * op.scale_x};
    return op.mode == ResizeMode::nearest ? at::upsample_nearest2d(in[0], size)
                                          : at::upsample_bilinear2d(in[0], size, false);
  }
  at::Tensor operator()(const AveragePool2d& op) const {
    return at::avg_pool2d(in[0], {op.kernel, op.kernel}, {op.stride, op.stride}, {op.pad, op.pad});
  }
  at::Tensor operator()(const MaxPool2d& op) const {
    return at::max_pool2d(in[0], {op.kernel, op.kernel}, {op.stride, op.stride}, {op.pad, op.pad});
  }
  at::Tensor operator()(const HardSwish&) const { return at::hardswish(in[0]); }
  // Detached, the rounding is no part of what is differentiated; the clamp and both uses of the scale are.
  at::Tensor operator()(const FakeQuantize& op) const {
    std::vector<int64_t> per_entry(static_cast<size_t>(in[0].dim()), 1);
    per_entry[0] = in[1].numel();
    const at::Tensor scale = in[1].reshape(per_entry);
    const at::Tensor steps = at::clamp(in[0] / scale, op.low, op.high);
    return (steps + (at::round(steps) - steps).detach()) * scale;
  }
  at::Tensor operator()(const ResizeTo& op) const {
    return at::upsample_bilinear2d(in[0], {op.height, op.width}, op.align_corners);
  }
  at::Tensor operator()(const GlobalAveragePool&) const { return at::mean(in[0], {2, 3}, true); }
  at::Tensor operator()(const Mean&) const { return at::mean(in[0]).reshape({1}); }
  at::Tensor operator()(const InstanceNorm& op) const {
    return at::instance_norm(in[0], in[1], in[2], {}, {}, true, 0, op.epsilon, false);
  }
  at::Tensor operator()(const BatchNorm& op) const {
    constexpr double momentum = 0.1;
    return at::batch_norm(in[0], in[1], in[2], in[3], in[4], training, momentum, op.epsilon, true);
  }
  at::Tensor operator()(const Linear&) const { return at::linear(in[0], in[1], bias(2)); }
  at::Tensor operator()(const Reshape& op) const {
    return at::reshape(in[0], at::IntArrayRef(op.shape.dims().data(), op.shape.dims().size()));
  }
  at::Tensor operator()(const InverseToneMap&) const { throw std::logic_error("inverse_tone_map has no torch form"); }
};

}  // namespace

at::Tensor to_torch(const TensorView& view, at::ScalarType type, at::Device device) {
  const auto dims = view.shape.dims();
  const at::Tensor borrowed =
      at::from_blob(view.data, at::IntArrayRef(dims.data(), dims.size()), scalar_type(view.dtype));
  at::Tensor copied = borrowed.to(at::TensorOptions().dtype(type).device(device), false, true);
  return copied.dim() == 4 ? copied.contiguous(at::MemoryFormat::ChannelsLast) : copied;
}

Status expect_torch_ops(const Graph& graph) {
  for (const Node& node : graph.nodes)
    if (std::holds_alternative<InverseToneMap>(node.op))
      return fail(ErrorCode::unsupported, "the torch backend has no {}", op_name(node.op));
  return {};
}

std::vector<at::Tensor> run_graph(const Graph& graph, const TorchTensors& parameters,
                                  const std::vector<at::Tensor>& inputs, bool training) {
  std::vector<at::Tensor> values(graph.values.size());
  std::vector<int> readers(graph.values.size());
  for (const Node& node : graph.nodes)
    for (ValueId id : node.inputs) ++readers[static_cast<size_t>(id)];
  for (ValueId id : graph.outputs) ++readers[static_cast<size_t>(id)];

  for (size_t i = 0; i < inputs.size(); ++i) values[static_cast<size_t>(graph.inputs[i])] = inputs[i];
  const at::Tensor& like = inputs.at(0);
  for (size_t i = 0; i < values.size(); ++i) {
    const Value& value = graph.values[i];
    if (value.kind == ValueKind::parameter) {
      const auto found = parameters.find(value.name);
      if (found == parameters.end()) throw std::runtime_error("parameter " + value.name + " is missing");
      values[i] = found->second;
    } else if (value.kind == ValueKind::constant) {
      values[i] = to_torch(view_of(*value.constant), like.scalar_type(), like.device());
    }
  }
  std::vector<at::Tensor> in;
  for (const Node& node : graph.nodes) {
    // A convolution with constants is a filter, as those of MS-SSIM are, and no layer: it keeps its precision where
    // layers run in less.
    std::optional<c10::impl::ExcludeDispatchKeyGuard> no_autocast;
    if (std::holds_alternative<Conv2d>(node.op) && graph.value(node.inputs[1]).kind == ValueKind::constant)
      no_autocast.emplace(c10::autocast_dispatch_keyset);
    in.clear();
    for (ValueId id : node.inputs) in.push_back(values[static_cast<size_t>(id)]);
    values[static_cast<size_t>(node.output)] = std::visit(Lowering{in, training}, node.op);
    // What nothing reads any more is let go, so that inference needs no more memory than its widest place.
    for (ValueId id : node.inputs)
      if (--readers[static_cast<size_t>(id)] == 0) values[static_cast<size_t>(id)].reset();
  }
  std::vector<at::Tensor> outputs;
  for (ValueId id : graph.outputs) outputs.push_back(values[static_cast<size_t>(id)]);
  return outputs;
}

}  // namespace framelift
