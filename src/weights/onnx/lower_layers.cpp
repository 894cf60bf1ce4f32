#include <algorithm>
#include <numeric>

#include "weights/onnx/onnx_lowering.h"

namespace framelift {
namespace {

constexpr int64_t largest_step = 1 << 14;  // of strides, windows and paddings; products stay within int

// Strides, dilations or windows: `count` numbers from 1 up.
Result<std::array<int, 2>> steps(OnnxLowering& l, std::string_view attribute, std::array<int64_t, 2> fallback) {
  FL_TRY(const auto numbers, l.list(attribute, {fallback[0], fallback[1]}));
  if (numbers.size() != 2) return l.unsupported("{} has {} numbers; pictures have 2", attribute, numbers.size());
  std::array<int, 2> result{};
  for (size_t i = 0; i < 2; ++i) {
    if (numbers[i] < 1 || numbers[i] > largest_step)
      return l.unsupported("{} of {} is beyond what is supported", attribute, numbers[i]);
    result[i] = static_cast<int>(numbers[i]);
  }
  return result;
}

// Padding of a window that moves over a picture: stated, or by the rules of auto_pad.
Result<Padding> window_padding(OnnxLowering& l, const Shape& picture, std::array<int64_t, 2> window,
                               std::array<int, 2> stride, std::array<int, 2> dilation) {
  FL_TRY(const std::string_view rule, l.text("auto_pad", "NOTSET"));
  if (rule == "VALID") return Padding{};
  if (rule == "SAME_UPPER" || rule == "SAME_LOWER") {
    std::array<int, 2> before{}, after{};
    for (size_t i = 0; i < 2; ++i) {
      const int64_t size = picture[static_cast<int>(2 + i)], outputs = (size + stride[i] - 1) / stride[i];
      const int64_t all =
          std::clamp<int64_t>((outputs - 1) * stride[i] + (window[i] - 1) * dilation[i] + 1 - size, 0, largest_step);
      before[i] = static_cast<int>(rule == "SAME_UPPER" ? all / 2 : all - all / 2);
      after[i] = static_cast<int>(all) - before[i];
    }
    return Padding{before[0], before[1], after[0], after[1]};
  }
  if (rule != "NOTSET") return l.unsupported("auto_pad {} is not known", rule);
  FL_TRY(const auto pads, l.list("pads", {0, 0, 0, 0}));
  if (pads.size() != 4) return l.unsupported("pads has {} numbers; pictures have 4", pads.size());
  for (const int64_t pad : pads)
    if (pad < 0 || pad > largest_step) return l.unsupported("a padding of {} is beyond what is supported", pad);
  const auto side = [&](size_t i) { return static_cast<int>(pads[i]); };
  return Padding{side(0), side(1), side(2), side(3)};
}

Result<std::vector<ValueId>> with_bias(OnnxLowering& l, std::vector<ValueId> inputs) {
  if (l.has(2)) {
    FL_TRY(const ValueId bias, l.value(2));
    inputs.push_back(bias);
  }
  return inputs;
}

Status expect_pictures(OnnxLowering& l, const Shape& x) {
  if (x.rank() == 4) return {};
  return l.unsupported("works on {}; pictures have 4 axes", to_string(x));
}

Status convolution(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const ValueId w, l.value(1));
  FL_CHECK(expect_pictures(l, l.b.shape(x)));
  FL_CHECK(expect_pictures(l, l.b.shape(w)));
  Conv2d conv;
  FL_TRY(conv.stride, steps(l, "strides", {1, 1}));
  FL_TRY(conv.dilation, steps(l, "dilations", {1, 1}));
  FL_TRY(const int64_t groups, l.integer("group", 1));
  if (groups < 1 || groups > l.b.shape(x)[1]) return l.refuse(ErrorCode::invalid_data, "has {} groups", groups);
  conv.groups = static_cast<int>(groups);
  FL_TRY(conv.pad, window_padding(l, l.b.shape(x), {l.b.shape(w)[2], l.b.shape(w)[3]}, conv.stride, conv.dilation));
  FL_TRY(auto inputs, with_bias(l, {x, w}));
  return l.set(l.b.add_node(conv, std::move(inputs)));
}

Status transposed_convolution(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const ValueId w, l.value(1));
  FL_CHECK(expect_pictures(l, l.b.shape(x)));
  FL_CHECK(expect_pictures(l, l.b.shape(w)));
  FL_TRY(const auto dilation, steps(l, "dilations", {1, 1}));
  FL_TRY(const int64_t groups, l.integer("group", 1));
  FL_TRY(const std::string_view rule, l.text("auto_pad", "NOTSET"));
  if (dilation != std::array{1, 1} || groups != 1 || rule != "NOTSET" || l.has_attribute("output_shape"))
    return l.unsupported("with dilation, groups or a stated output shape");
  ConvTranspose2d conv;
  FL_TRY(conv.stride, steps(l, "strides", {1, 1}));
  FL_TRY(conv.pad, window_padding(l, l.b.shape(x), {1, 1}, conv.stride, {1, 1}));
  // What is added to the output's end is taken off its padding.
  FL_TRY(const auto more, l.list("output_padding", {0, 0}));
  if (more.size() != 2 || more[0] < 0 || more[1] < 0 || more[0] > conv.pad.bottom || more[1] > conv.pad.right)
    return l.unsupported("output_padding is larger than the padding");
  conv.pad.bottom -= static_cast<int>(more[0]);
  conv.pad.right -= static_cast<int>(more[1]);
  FL_TRY(auto inputs, with_bias(l, {x, w}));
  return l.set(l.b.add_node(conv, std::move(inputs)));
}

Status gemm(OnnxLowering& l) {
  FL_TRY(const ValueId a, l.value(0));
  FL_TRY(const ValueId weight, l.value(1));
  FL_TRY(const double alpha, l.real("alpha", 1));
  FL_TRY(const double beta, l.real("beta", 1));
  FL_TRY(const int64_t transposed_a, l.integer("transA", 0));
  FL_TRY(const int64_t transposed_b, l.integer("transB", 0));
  if (transposed_a != 0) return l.unsupported("transposes its first operand");
  ValueId y = transposed_b != 0 ? l.b.add_node(Linear{}, {a, weight}) : l.b.matmul(a, weight);
  if (alpha != 1) y = l.b.scale(y, static_cast<float>(alpha));
  if (l.has(2)) {
    FL_TRY(ValueId bias, l.value(2));
    if (beta != 1) bias = l.b.scale(bias, static_cast<float>(beta));
    y = l.b.add(y, bias);
  }
  return l.set(y);
}

Status matmul(OnnxLowering& l) {
  FL_TRY(const ValueId a, l.value(0));
  FL_TRY(const ValueId b, l.value(1));
  return l.set(l.b.matmul(a, b));
}

Status batch_normalization(OnnxLowering& l) {
  std::vector<ValueId> inputs;
  for (size_t k = 0; k < 5; ++k) {
    FL_TRY(const ValueId input, l.value(k));
    inputs.push_back(input);
  }
  FL_TRY(const double epsilon, l.real("epsilon", 1e-5));
  FL_TRY(const int64_t training, l.integer("training_mode", 0));
  if (training != 0) return l.unsupported("is in training mode; export the network after eval()");
  return l.set(l.b.add_node(BatchNorm{static_cast<float>(epsilon)}, std::move(inputs)));
}

Status instance_normalization(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const ValueId scale, l.value(1));
  FL_TRY(const ValueId shift, l.value(2));
  FL_TRY(const double epsilon, l.real("epsilon", 1e-5));
  return l.set(l.b.add_node(InstanceNorm{static_cast<float>(epsilon)}, {x, scale, shift}));
}

// Over the last axis; of a picture whose channels were moved there.
Status layer_normalization(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const int64_t stated, l.integer("axis", -1));
  FL_TRY(const int axis, l.axis(stated, l.b.shape(x).rank()));
  FL_TRY(const double epsilon, l.real("epsilon", 1e-5));
  constexpr std::array channels_last{0, 2, 3, 1};
  if (axis != 3 || l.b.shape(x).rank() != 4)
    return l.unsupported("normalises axis {} of {}; over the channels of a picture it is known", axis,
                         to_string(l.b.shape(x)));
  const ValueId picture = l.b.permute(x, {0, 3, 1, 2});
  ValueId y = l.b.layer_norm(picture, static_cast<float>(epsilon));
  for (size_t k = 1; k < 3; ++k) {
    if (!l.has(k)) continue;
    FL_TRY(const ValueId statistic, l.value(k));
    const ValueId per_channel = l.b.reshape(statistic, {l.b.shape(picture)[1], 1, 1});
    y = k == 1 ? l.b.mul(y, per_channel) : l.b.add(y, per_channel);
  }
  return l.set(l.b.permute(y, channels_last));
}

Status pool(OnnxLowering& l) {
  const bool is_max = l.node().type == "MaxPool";
  FL_TRY(const ValueId x, l.value(0));
  const Shape picture = l.b.shape(x);
  FL_CHECK(expect_pictures(l, picture));
  FL_TRY(const auto window, steps(l, "kernel_shape", {0, 0}));
  FL_TRY(const auto stride, steps(l, "strides", {1, 1}));
  FL_TRY(const auto dilation, steps(l, "dilations", {1, 1}));
  FL_TRY(const Padding pad, window_padding(l, picture, {window[0], window[1]}, stride, {1, 1}));
  FL_TRY(const int64_t round_up, l.integer("ceil_mode", 0));
  FL_TRY(const int64_t counts_padding, l.integer("count_include_pad", 0));
  const bool none = pad == Padding{};
  if (!is_max && none && window[0] == picture[2] && window[1] == picture[3]) return l.set(l.b.global_average_pool(x));
  const auto fits = [&](int axis) {
    const auto i = static_cast<size_t>(axis);
    return (picture[2 + axis] + 2 * pad.top - window[i]) % stride[i] == 0;
  };
  if (window[0] != window[1] || stride[0] != stride[1] || dilation != std::array{1, 1} ||
      pad != Padding::same(pad.top) || (round_up != 0 && !(fits(0) && fits(1))))
    return l.unsupported("windows {}x{} that are not square, step unevenly, or reach beyond the padding", window[0],
                         window[1]);
  if (!is_max && !none && counts_padding == 0) return l.unsupported("averages without its padding");
  return l.set(is_max ? l.b.max_pool(x, window[0], stride[0], pad.top)
                      : l.b.average_pool(x, window[0], stride[0], pad.top));
}

Status global_average_pool(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  return l.set(l.b.global_average_pool(x));
}

// Over the picture, over its channels, or over everything.
Status reduce_mean(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  const Shape s = l.b.shape(x);
  std::vector<int64_t> all(static_cast<size_t>(s.rank()));
  std::iota(all.begin(), all.end(), 0);
  FL_TRY(const auto axes, l.axes(1, std::move(all)));
  FL_TRY(const int64_t keep, l.integer("keepdims", 1));
  std::vector<bool> reduced(static_cast<size_t>(s.rank()));
  for (const int64_t stated : axes) {
    FL_TRY(const int axis, l.axis(stated, s.rank()));
    reduced[static_cast<size_t>(axis)] = true;
  }
  std::vector<int64_t> dims;
  for (int i = 0; i < s.rank(); ++i) {
    if (!reduced[static_cast<size_t>(i)])
      dims.push_back(s[i]);
    else if (keep != 0)
      dims.push_back(1);
  }
  ValueId y = no_value;
  if (reduced == std::vector{false, false, true, true}) {
    y = l.b.global_average_pool(x);
  } else if (reduced == std::vector{false, true, false, false}) {
    y = l.b.add_node(Conv2d{}, {x, l.b.constant(Tensor::filled({1, s[1], 1, 1}, 1 / static_cast<float>(s[1])))});
  } else if (std::ranges::all_of(reduced, std::identity{})) {
    y = l.b.add_node(Mean{}, {x});
  } else {
    return l.unsupported("averages other axes of {} than the picture's or the channels", to_string(s));
  }
  const Shape wanted = dims.empty() ? Shape{1} : Shape(dims);
  return l.set(l.b.shape(y) == wanted ? y : l.b.reshape(y, wanted));
}

Status softmax(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  const int rank = l.b.shape(x).rank();
  // Before operator set 13 every axis from there on counted as one.
  FL_TRY(const int64_t stated, l.integer("axis", l.opset() < 13 ? 1 : -1));
  FL_TRY(const int axis, l.axis(stated, rank));
  if (l.opset() < 13 && axis != rank - 1)
    return l.unsupported("over several axes at once, as before operator set 13; export with 13 or later");
  return l.set(l.b.softmax(x, axis));
}

}  // namespace

std::span<const OnnxOp> onnx_layer_ops() {
  static constexpr OnnxOp ops[] = {{"Conv", convolution},
                                   {"ConvTranspose", transposed_convolution},
                                   {"Gemm", gemm},
                                   {"MatMul", matmul},
                                   {"BatchNormalization", batch_normalization},
                                   {"InstanceNormalization", instance_normalization},
                                   {"LayerNormalization", layer_normalization},
                                   {"MaxPool", pool},
                                   {"AveragePool", pool},
                                   {"GlobalAveragePool", global_average_pool},
                                   {"ReduceMean", reduce_mean},
                                   {"Softmax", softmax}};
  return ops;
}

}  // namespace framelift
