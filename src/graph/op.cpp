#include "graph/op.h"

#include <algorithm>

namespace framelift {
namespace {

template <class... Ts>
struct Overload : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overload(Ts...) -> Overload<Ts...>;  // clang before 17 does not deduce aggregates

// No tensor of a real job is near this; it keeps every later product of sizes inside 64 bits.
constexpr int64_t max_elements = int64_t{1} << 36;

Result<Shape> checked(Shape shape) {
  int64_t elements = 1;
  for (int64_t d : shape.dims()) {
    if (d <= 0) return fail(ErrorCode::invalid_argument, "a size of {} makes no picture", to_string(shape));
    if (d > max_elements / elements)
      return fail(ErrorCode::invalid_argument, "{} is too large a tensor", to_string(shape));
    elements *= d;
  }
  return shape;
}

Status expect_inputs(std::span<const Shape> inputs, size_t low, size_t high) {
  if (inputs.size() < low || inputs.size() > high)
    return fail(ErrorCode::invalid_argument, "takes {} inputs, not {}", low, inputs.size());
  return {};
}

Status expect_picture(const Shape& shape) {
  if (shape.rank() != 4) return fail(ErrorCode::invalid_argument, "wants [N,C,H,W], not {}", to_string(shape));
  return {};
}

// How many windows of k samples, d apart, fit at steps of s into n samples with padding.
int64_t windows(int64_t n, int before, int after, int64_t k, int d, int s) {
  const int64_t room = n + before + after - (k - 1) * d - 1;
  return room < 0 ? 0 : room / s + 1;
}

Result<Shape> conv_shape(const Conv2d& op, std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 2, 3));
  const Shape &x = in[0], &w = in[1];
  FL_CHECK(expect_picture(x));
  if (w.rank() != 4) return fail(ErrorCode::invalid_argument, "weight {} is not [Cout,Cin,kh,kw]", to_string(w));
  if (op.groups < 1 || op.stride[0] < 1 || op.stride[1] < 1 || op.dilation[0] < 1 || op.dilation[1] < 1 ||
      std::min({op.pad.top, op.pad.left, op.pad.bottom, op.pad.right}) < 0)
    return fail(ErrorCode::invalid_argument, "groups, strides and dilations are at least 1, padding at least 0");
  if (x[1] != w[1] * op.groups || w[0] % op.groups != 0)
    return fail(ErrorCode::invalid_argument, "input {} does not fit weight {} with {} groups", to_string(x),
                to_string(w), op.groups);
  if (in.size() == 3 && in[2] != Shape{w[0]})
    return fail(ErrorCode::invalid_argument, "bias {} does not fit weight {}", to_string(in[2]), to_string(w));
  return checked({x[0], w[0], windows(x[2], op.pad.top, op.pad.bottom, w[2], op.dilation[0], op.stride[0]),
                  windows(x[3], op.pad.left, op.pad.right, w[3], op.dilation[1], op.stride[1])});
}

Result<Shape> conv_transpose_shape(const ConvTranspose2d& op, std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 2, 3));
  const Shape &x = in[0], &w = in[1];
  FL_CHECK(expect_picture(x));
  if (op.stride[0] < 1 || op.stride[1] < 1 || std::min({op.pad.top, op.pad.left, op.pad.bottom, op.pad.right}) < 0)
    return fail(ErrorCode::invalid_argument, "strides are at least 1, padding at least 0");
  if (w.rank() != 4 || x[1] != w[0])
    return fail(ErrorCode::invalid_argument, "input {} does not fit weight {} [Cin,Cout,kh,kw]", to_string(x),
                to_string(w));
  if (in.size() == 3 && in[2] != Shape{w[1]})
    return fail(ErrorCode::invalid_argument, "bias {} does not fit weight {}", to_string(in[2]), to_string(w));
  return checked({x[0], w[1], (x[2] - 1) * op.stride[0] + w[2] - op.pad.top - op.pad.bottom,
                  (x[3] - 1) * op.stride[1] + w[3] - op.pad.left - op.pad.right});
}

Result<Shape> same_shape(std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 1, 1));
  return in[0];
}

Result<Shape> average_pool_shape(const AveragePool2d& op, std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 1, 1));
  FL_CHECK(expect_picture(in[0]));
  if (op.kernel < 1 || op.stride < 1 || op.pad < 0 || 2 * op.pad > op.kernel)
    return fail(ErrorCode::invalid_argument, "kernel {}, stride {}, padding {} make no window", op.kernel, op.stride,
                op.pad);
  auto extent = [&](int64_t n) { return windows(n, op.pad, op.pad, op.kernel, 1, op.stride); };
  return checked({in[0][0], in[0][1], extent(in[0][2]), extent(in[0][3])});
}

Result<Shape> max_pool_shape(const MaxPool2d& op, std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 1, 1));
  FL_CHECK(expect_picture(in[0]));
  if (op.kernel < 1 || op.stride < 1 || op.pad < 0 || op.pad >= op.kernel)
    return fail(ErrorCode::invalid_argument, "kernel {}, stride {}, pad {} make no window", op.kernel, op.stride,
                op.pad);
  auto extent = [&](int64_t n) { return windows(n, op.pad, op.pad, op.kernel, 1, op.stride); };
  return checked({in[0][0], in[0][1], extent(in[0][2]), extent(in[0][3])});
}

Result<Shape> inverse_tone_map_shape(const InverseToneMap& op, std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 1, 1));
  FL_CHECK(expect_picture(in[0]));
  if (in[0][1] != 3) return fail(ErrorCode::invalid_argument, "wants [N,3,H,W], not {}", to_string(in[0]));
  FL_CHECK(Bt2446::create(op.method, op.peak_nits));
  return in[0];
}

// A picture and `statistics` vectors of one number per channel.
Result<Shape> norm_shape(std::span<const Shape> in, size_t statistics) {
  FL_CHECK(expect_inputs(in, 1 + statistics, 1 + statistics));
  FL_CHECK(expect_picture(in[0]));
  for (const Shape& shape : in.subspan(1))
    if (shape != Shape{in[0][1]})
      return fail(ErrorCode::invalid_argument, "scale, shift or statistics {} do not fit input {}", to_string(shape),
                  to_string(in[0]));
  return in[0];
}

Result<Shape> linear_shape(std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 2, 3));
  if (in[0].rank() < 1 || in[1].rank() != 2 || in[0][-1] != in[1][1] || (in.size() == 3 && in[2] != Shape{in[1][0]}))
    return fail(ErrorCode::invalid_argument, "input {} does not fit weight {}", to_string(in[0]), to_string(in[1]));
  Shape out = in[0];
  out.set_dim(-1, in[1][0]);
  return checked(out);
}

Result<Shape> broadcast_shape(std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 2, 2));
  const int rank = std::max(in[0].rank(), in[1].rank());
  Shape out = in[0].rank() == rank ? in[0] : in[1];
  for (int i = 1; i <= rank; ++i) {
    const int64_t a = i <= in[0].rank() ? in[0][-i] : 1, b = i <= in[1].rank() ? in[1][-i] : 1;
    if (a != b && a != 1 && b != 1)
      return fail(ErrorCode::invalid_argument, "{} and {} do not broadcast", to_string(in[0]), to_string(in[1]));
    out.set_dim(-i, std::max(a, b));
  }
  return out;
}

Result<Shape> matmul_shape(std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 2, 2));
  const Shape &a = in[0], &b = in[1];
  if (a.rank() < 2 || b.rank() < 2 || a[-1] != b[-2])
    return fail(ErrorCode::invalid_argument, "{} and {} do not multiply", to_string(a), to_string(b));
  Shape left = a, right = b;  // the matrices themselves broadcast with nothing
  left.set_dim(-1, 1);
  left.set_dim(-2, 1);
  right.set_dim(-1, 1);
  right.set_dim(-2, 1);
  const Shape batches[] = {left, right};
  FL_TRY(Shape out, broadcast_shape(batches));
  out.set_dim(-2, a[-2]);
  out.set_dim(-1, b[-1]);
  return checked(out);
}

Result<Shape> permute_shape(const Permute& op, std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 1, 1));
  FL_CHECK(expect_picture(in[0]));
  std::array<int, 4> sorted = op.order;
  std::ranges::sort(sorted);
  if (sorted != std::array<int, 4>{0, 1, 2, 3})
    return fail(ErrorCode::invalid_argument, "an order of axes names each of the four once");
  Shape out = in[0];
  for (int i = 0; i < 4; ++i) out.set_dim(i, in[0][op.order[static_cast<size_t>(i)]]);
  return out;
}

Result<Shape> crop_shape(const Crop& op, std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 1, 1));
  FL_CHECK(expect_picture(in[0]));
  const Padding& p = op.edges;
  if (std::min({p.top, p.left, p.bottom, p.right}) < 0)
    return fail(ErrorCode::invalid_argument, "what is cut off is at least 0");
  return checked({in[0][0], in[0][1], in[0][2] - p.top - p.bottom, in[0][3] - p.left - p.right});
}

Result<Shape> pad_shape(const Pad& op, std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 1, 1));
  FL_CHECK(expect_picture(in[0]));
  const Padding& p = op.edges;
  if (std::min({p.top, p.left, p.bottom, p.right}) < 0)
    return fail(ErrorCode::invalid_argument, "what is put around is at least 0");
  if (op.mode == PadMode::reflect && (std::max(p.top, p.bottom) >= in[0][2] || std::max(p.left, p.right) >= in[0][3]))
    return fail(ErrorCode::invalid_argument, "{} has too few pixels to mirror {} rows and {} columns", to_string(in[0]),
                std::max(p.top, p.bottom), std::max(p.left, p.right));
  return checked({in[0][0], in[0][1], in[0][2] + p.top + p.bottom, in[0][3] + p.left + p.right});
}

Result<Shape> slice_shape(const Slice& op, std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 1, 1));
  if (op.axis < 0 || op.axis >= in[0].rank() || op.begin < 0 || op.begin >= op.end || op.end > in[0][op.axis])
    return fail(ErrorCode::invalid_argument, "entries {} to {} along axis {} are not in {}", op.begin, op.end, op.axis,
                to_string(in[0]));
  Shape out = in[0];
  out.set_dim(op.axis, op.end - op.begin);
  return out;
}

Result<Shape> fake_quantize_shape(const FakeQuantize& op, std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 2, 2));
  if (op.low > 0 || op.high < 0 || op.low == op.high || op.low < -(1 << 15) || op.high >= 1 << 16)
    return fail(ErrorCode::invalid_argument, "integers from {} to {} are no grid around 0", op.low, op.high);
  if (in[1] != Shape{1} && (in[0].rank() < 1 || in[1] != Shape{in[0][0]}))
    return fail(ErrorCode::invalid_argument, "scale {} does not fit {}", to_string(in[1]), to_string(in[0]));
  return in[0];
}

Result<Shape> softmax_shape(const Softmax& op, std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 1, 1));
  if (op.axis < 0 || op.axis >= in[0].rank())
    return fail(ErrorCode::invalid_argument, "axis {} is not one of {}", op.axis, to_string(in[0]));
  return in[0];
}

Result<Shape> repeat_shape(const Repeat& op, std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 1, 1));
  FL_CHECK(expect_picture(in[0]));
  if (op.rows < 1 || op.columns < 1) return fail(ErrorCode::invalid_argument, "repeats are at least 1");
  return checked({in[0][0], in[0][1], in[0][2] * op.rows, in[0][3] * op.columns});
}

Result<Shape> layer_norm_shape(std::span<const Shape> in) {
  FL_CHECK(expect_inputs(in, 1, 1));
  FL_CHECK(expect_picture(in[0]));
  return in[0];
}

Result<Shape> concat_shape(const Concat& op, std::span<const Shape> in) {
  if (in.empty()) return fail(ErrorCode::invalid_argument, "has nothing to join");
  Shape out = in[0];
  if (op.axis < 0 || op.axis >= out.rank())
    return fail(ErrorCode::invalid_argument, "axis {} is not one of {}", op.axis, to_string(out));
  for (const Shape& part : in.subspan(1)) {
    Shape other = part;
    if (other.rank() == out.rank()) other.set_dim(op.axis, out[op.axis]);
    if (other != out) return fail(ErrorCode::invalid_argument, "{} does not join {}", to_string(part), to_string(out));
    out.set_dim(op.axis, out[op.axis] + part[op.axis]);
  }
  return checked(out);
}

}  // namespace

std::string_view op_name(const Op& op) {
  return std::visit(Overload{
                        [](const Conv2d&) { return "conv2d"; },
                        [](const ConvTranspose2d&) { return "conv_transpose2d"; },
                        [](const Softplus&) { return "softplus"; },
                        [](const Selu&) { return "selu"; },
                        [](const Sigmoid&) { return "sigmoid"; },
                        [](const Tanh&) { return "tanh"; },
                        [](const Abs&) { return "abs"; },
                        [](const Gelu&) { return "gelu"; },
                        [](const Log1p&) { return "log1p"; },
                        [](const Pow&) { return "pow"; },
                        [](const Sub&) { return "sub"; },
                        [](const Div&) { return "div"; },
                        [](const Mean&) { return "mean"; },
                        [](const Relu&) { return "relu"; },
                        [](const LeakyRelu&) { return "leaky_relu"; },
                        [](const PRelu&) { return "prelu"; },
                        [](const Clamp&) { return "clamp"; },
                        [](const Add&) { return "add"; },
                        [](const Mul&) { return "mul"; },
                        [](const Concat&) { return "concat"; },
                        [](const PixelShuffle&) { return "pixel_shuffle"; },
                        [](const PixelUnshuffle&) { return "pixel_unshuffle"; },
                        [](const Crop&) { return "crop"; },
                        [](const Pad&) { return "pad"; },
                        [](const Slice&) { return "slice"; },
                        [](const Repeat&) { return "repeat"; },
                        [](const Resize&) { return "resize"; },
                        [](const AveragePool2d&) { return "average_pool2d"; },
                        [](const GlobalAveragePool&) { return "global_average_pool"; },
                        [](const InstanceNorm&) { return "instance_norm"; },
                        [](const BatchNorm&) { return "batch_norm"; },
                        [](const LayerNorm&) { return "layer_norm"; },
                        [](const Softmax&) { return "softmax"; },
                        [](const MatMul&) { return "matmul"; },
                        [](const Linear&) { return "linear"; },
                        [](const MaxPool2d&) { return "max_pool2d"; },
                        [](const Permute&) { return "permute"; },
                        [](const Reshape&) { return "reshape"; },
                        [](const InverseToneMap&) { return "inverse_tone_map"; },
                        [](const HardSwish&) { return "hard_swish"; },
                        [](const ResizeTo&) { return "resize_to"; },
                        [](const FakeQuantize&) { return "fake_quantize"; },
                    },
                    op);
}

Result<Shape> infer_shape(const Op& op, std::span<const Shape> in) {
  return std::visit(Overload{
                        [&](const Conv2d& o) { return conv_shape(o, in); },
                        [&](const ConvTranspose2d& o) { return conv_transpose_shape(o, in); },
                        [&](const Relu&) { return same_shape(in); },
                        [&](const LeakyRelu&) { return same_shape(in); },
                        [&](const Clamp&) { return same_shape(in); },
                        [&](const Softplus&) { return same_shape(in); },
                        [&](const Selu&) { return same_shape(in); },
                        [&](const Sigmoid&) { return same_shape(in); },
                        [&](const Tanh&) { return same_shape(in); },
                        [&](const Abs&) { return same_shape(in); },
                        [&](const Gelu&) { return same_shape(in); },
                        [&](const Log1p&) { return same_shape(in); },
                        [&](const Pow&) { return same_shape(in); },
                        [&](const Mean&) -> Result<Shape> {
                          FL_CHECK(expect_inputs(in, 1, 1));
                          return Shape{1};
                        },
                        [&](const PRelu&) -> Result<Shape> {
                          FL_CHECK(expect_inputs(in, 2, 2));
                          if (in[0].rank() < 2 || (in[1] != Shape{in[0][1]} && in[1] != Shape{1}))
                            return fail(ErrorCode::invalid_argument, "slope {} does not fit input {}", to_string(in[1]),
                                        to_string(in[0]));
                          return in[0];
                        },
                        [&](const Add&) { return broadcast_shape(in); },
                        [&](const Sub&) { return broadcast_shape(in); },
                        [&](const Mul&) { return broadcast_shape(in); },
                        [&](const Div&) { return broadcast_shape(in); },
                        [&](const Concat& o) { return concat_shape(o, in); },
                        [&](const PixelShuffle& o) -> Result<Shape> {
                          FL_CHECK(expect_inputs(in, 1, 1));
                          FL_CHECK(expect_picture(in[0]));
                          const int64_t r = o.factor;
                          if (r < 1 || in[0][1] % (r * r) != 0)
                            return fail(ErrorCode::invalid_argument, "{} channels are not a multiple of {}x{}",
                                        in[0][1], r, r);
                          return checked({in[0][0], in[0][1] / (r * r), in[0][2] * r, in[0][3] * r});
                        },
                        [&](const PixelUnshuffle& o) -> Result<Shape> {
                          FL_CHECK(expect_inputs(in, 1, 1));
                          FL_CHECK(expect_picture(in[0]));
                          const int64_t r = o.factor;
                          if (r < 1 || in[0][2] % r != 0 || in[0][3] % r != 0)
                            return fail(ErrorCode::invalid_argument, "{} is not a multiple of {} in height and width",
                                        to_string(in[0]), r);
                          return checked({in[0][0], in[0][1] * r * r, in[0][2] / r, in[0][3] / r});
                        },
                        [&](const Crop& o) { return crop_shape(o, in); },
                        [&](const Pad& o) { return pad_shape(o, in); },
                        [&](const Slice& o) { return slice_shape(o, in); },
                        [&](const Repeat& o) { return repeat_shape(o, in); },
                        [&](const Resize& o) -> Result<Shape> {
                          FL_CHECK(expect_inputs(in, 1, 1));
                          FL_CHECK(expect_picture(in[0]));
                          if (o.scale_y < 1 || o.scale_x < 1)
                            return fail(ErrorCode::invalid_argument, "scales are at least 1");
                          return checked({in[0][0], in[0][1], in[0][2] * o.scale_y, in[0][3] * o.scale_x});
                        },
                        [&](const AveragePool2d& o) { return average_pool_shape(o, in); },
                        [&](const MaxPool2d& o) { return max_pool_shape(o, in); },
                        [&](const InverseToneMap& o) { return inverse_tone_map_shape(o, in); },
                        [&](const GlobalAveragePool&) -> Result<Shape> {
                          FL_CHECK(expect_inputs(in, 1, 1));
                          FL_CHECK(expect_picture(in[0]));
                          return Shape{in[0][0], in[0][1], 1, 1};
                        },
                        [&](const InstanceNorm&) { return norm_shape(in, 2); },
                        [&](const BatchNorm&) { return norm_shape(in, 4); },
                        [&](const LayerNorm&) { return layer_norm_shape(in); },
                        [&](const Softmax& o) { return softmax_shape(o, in); },
                        [&](const MatMul&) { return matmul_shape(in); },
                        [&](const Linear&) { return linear_shape(in); },
                        [&](const Permute& o) { return permute_shape(o, in); },
                        [&](const Reshape& o) -> Result<Shape> {
                          FL_CHECK(expect_inputs(in, 1, 1));
                          FL_CHECK(checked(o.shape));
                          if (o.shape.elements() != in[0].elements())
                            return fail(ErrorCode::invalid_argument, "{} cannot be reshaped to {}", to_string(in[0]),
                                        to_string(o.shape));
                          return o.shape;
                        },
                        [&](const HardSwish&) { return same_shape(in); },
                        [&](const FakeQuantize& o) { return fake_quantize_shape(o, in); },
                        [&](const ResizeTo& o) -> Result<Shape> {
                          FL_CHECK(expect_inputs(in, 1, 1));
                          FL_CHECK(expect_picture(in[0]));
                          return checked({in[0][0], in[0][1], o.height, o.width});
                        },
                    },
                    op);
}

int64_t op_flops(const Op& op, std::span<const Shape> in, const Shape& out) {
  const int64_t n = out.elements();
  return std::visit(Overload{
                        [&](const Conv2d&) { return n * (2 * in[1][1] * in[1][2] * in[1][3] + (in.size() == 3)); },
                        // Every input pixel multiplies the whole kernel.
                        [&](const ConvTranspose2d&) {
                          return 2 * in[0].elements() * in[1][1] * in[1][2] * in[1][3] + (in.size() == 3 ? n : 0);
                        },
                        // A function of the standard library counts as one operation.
                        [&](const Softplus&) { return 2 * n; },
                        [&](const Selu&) { return 3 * n; },
                        [&](const Sigmoid&) { return 3 * n; },
                        [&](const Tanh&) { return n; },
                        [&](const Abs&) { return n; },
                        [&](const Gelu&) { return 5 * n; },
                        [&](const Log1p&) { return n; },
                        [&](const Pow&) { return n; },
                        [&](const Sub&) { return n; },
                        [&](const Div&) { return n; },
                        [&](const Mean&) { return in[0].elements(); },
                        [&](const Relu&) { return n; },
                        [&](const LeakyRelu&) { return 2 * n; },
                        [&](const PRelu&) { return 2 * n; },
                        [&](const Clamp&) { return 2 * n; },
                        [&](const Add&) { return n; },
                        [&](const Mul&) { return n; },
                        [&](const Resize& o) { return o.mode == ResizeMode::bilinear ? 7 * n : int64_t{0}; },
                        [&](const AveragePool2d& o) { return n * (int64_t{o.kernel} * o.kernel + 1); },
                        [&](const MaxPool2d& o) { return n * (int64_t{o.kernel} * o.kernel - 1); },
                        [&](const GlobalAveragePool&) { return in[0].elements(); },
                        [&](const InstanceNorm&) { return 7 * n; },
                        [&](const BatchNorm&) { return 2 * n; },
                        [&](const LayerNorm&) { return 5 * n; },
                        [&](const Softmax&) { return 4 * n; },
                        [&](const MatMul&) { return 2 * n * in[0][-1]; },
                        [&](const Linear&) { return n * (2 * in[1][1] + (in.size() == 3)); },
                        [&](const HardSwish&) { return 5 * n; },
                        [&](const FakeQuantize&) { return 5 * n; },
                        [&](const ResizeTo&) { return 7 * n; },
                        [&](const auto&) { return int64_t{0}; },
                    },
                    op);
}

PixelReach op_reach(const Op& op, std::span<const Shape> in, int axis) {
  constexpr PixelReach everything{1, 1, 0, 0, true};
  return std::visit(Overload{
                        [&](const Conv2d& o) {
                          const auto a = static_cast<size_t>(axis);
                          const int pad = axis == 0 ? o.pad.top : o.pad.left;
                          const int reach = static_cast<int>(in[1][2 + axis] - 1) * o.dilation[a];
                          return PixelReach{o.stride[a], 1, pad, reach - pad};
                        },
                        // Output o hears of inputs i with i * stride - pad <= o < i * stride - pad + k.
                        [&](const ConvTranspose2d& o) {
                          const int stride = o.stride[static_cast<size_t>(axis)];
                          const int pad = axis == 0 ? o.pad.top : o.pad.left;
                          const auto k = static_cast<int>(in[1][2 + axis]);
                          const int after = (pad + stride - 1) / stride;
                          const int before = std::max((k - 1 - pad + stride - 1) / stride, 0);
                          return PixelReach{1, stride, before, after};
                        },
                        [&](const PixelShuffle& o) {
                          return PixelReach{1, o.factor, 0, 0};
                        },
                        [&](const PixelUnshuffle& o) {
                          return PixelReach{o.factor, 1, 0, o.factor - 1};
                        },
                        [&](const Resize& o) {
                          const int scale = axis == 0 ? o.scale_y : o.scale_x;
                          const int more = o.mode == ResizeMode::bilinear && scale > 1 ? 1 : 0;
                          return PixelReach{1, scale, more, more};
                        },
                        [&](const AveragePool2d& o) {
                          return PixelReach{o.stride, 1, o.pad, o.kernel - 1 - o.pad};
                        },
                        [&](const MaxPool2d& o) {
                          return PixelReach{o.stride, 1, o.pad, o.kernel - 1 - o.pad};
                        },
                        [&](const GlobalAveragePool&) { return everything; },
                        [&](const Mean&) { return everything; },
                        [&](const InstanceNorm&) { return everything; },
                        // Its step depends on the size of the whole picture.
                        [&](const ResizeTo&) { return everything; },
                        // Output o is input o + what was cut off before it.
                        [&](const Crop& o) {
                          const int cut = axis == 0 ? o.edges.top : o.edges.left;
                          return PixelReach{1, 1, -cut, cut};
                        },
                        [&](const Pad& o) {
                          const int before = axis == 0 ? o.edges.top : o.edges.left;
                          return PixelReach{1, 1, before, -before};
                        },
                        [&](const Slice& o) {
                          const int cut = o.axis == 2 + axis ? static_cast<int>(o.begin) : 0;
                          return PixelReach{1, 1, -cut, cut};
                        },
                        [&](const Softmax& o) { return o.axis == 2 + axis ? everything : PixelReach{}; },
                        // These need not keep pixels in place.
                        [&](const Repeat&) { return everything; },
                        [&](const MatMul&) { return everything; },
                        [&](const Permute&) { return everything; },
                        [&](const Linear&) { return everything; },
                        [&](const Reshape&) { return everything; },
                        [&](const auto&) { return PixelReach{}; },
                    },
                    op);
}

}  // namespace framelift
