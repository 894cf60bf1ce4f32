// One table of small graphs, one per op and corner of its attributes. Tests run every case on every backend.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace framelift {

struct OpCase {
  std::string name;
  std::function<void(GraphBuilder&)> build;
  // Allowed absolute difference to the reference for values of about unit size, per engine arithmetic. Ops that only
  // move numbers are exact; sums differ by the order of additions (f32) or by the 8-bit mantissa (bf16).
  double f32_tolerance = 0;
  double bf16_tolerance = 0;
};

inline const std::vector<OpCase>& op_cases() {
  // A convolution of k products of unit-size values: rounding grows with sqrt(k) * 2^-24 (f32) or 2^-8 (bf16).
  constexpr double conv_f32 = 2e-5, conv_bf16 = 0.12, one_op_f32 = 1e-6, one_op_bf16 = 0.04;
  auto conv = [](Shape x, int64_t out, int kernel_y, int kernel_x, Conv2d attributes, bool bias) {
    return [=](GraphBuilder& b) {
      const ValueId in = b.input("x", x);
      std::vector<ValueId> inputs{in, b.parameter("w", {out, x[1] / attributes.groups, kernel_y, kernel_x})};
      if (bias) inputs.push_back(b.parameter("b", {out}));
      b.output(b.add_node(attributes, inputs), "y");
    };
  };
  auto unary = [](Shape x, Op op) {
    return [=](GraphBuilder& b) { b.output(b.add_node(op, {b.input("x", x)}), "y"); };
  };
  auto binary = [](Shape x, Shape y, Op op) {
    return [=](GraphBuilder& b) { b.output(b.add_node(op, {b.input("x", x), b.input("y", y)}), "z"); };
  };
  auto fake_quantize = [](Shape x, FakeQuantize grid, int64_t scales) {
    return [=](GraphBuilder& b) {
      Tensor scale(DType::f32, {scales});
      for (int64_t i = 0; i < scales; ++i) scale.f32()[static_cast<size_t>(i)] = 0.01f / static_cast<float>(i + 1);
      b.output(b.fake_quantize(b.input("x", x), b.constant(std::move(scale)), grid.low, grid.high), "y");
    };
  };
  auto attributes = [](int stride_y, int stride_x, int dilation_y, int dilation_x, int groups, Padding pad) {
    Conv2d c;
    c.stride = {stride_y, stride_x};
    c.dilation = {dilation_y, dilation_x};
    c.groups = groups;
    c.pad = pad;
    return c;
  };
  static const std::vector<OpCase> cases{
      {"conv_3x3_same", conv({1, 3, 17, 23}, 8, 3, 3, attributes(1, 1, 1, 1, 1, Padding::same(1)), true), conv_f32,
       conv_bf16},
      {"conv_3x3_64_channels", conv({1, 64, 9, 31}, 64, 3, 3, attributes(1, 1, 1, 1, 1, Padding::same(1)), true),
       conv_f32 * 4, conv_bf16 * 4},
      {"conv_1x1", conv({2, 5, 7, 11}, 6, 1, 1, attributes(1, 1, 1, 1, 1, {}), true), conv_f32, conv_bf16},
      {"conv_no_bias", conv({1, 4, 9, 9}, 4, 3, 3, attributes(1, 1, 1, 1, 1, {}), false), conv_f32, conv_bf16},
      {"conv_stride_2", conv({1, 4, 15, 18}, 8, 3, 3, attributes(2, 2, 1, 1, 1, Padding::same(1)), true), conv_f32,
       conv_bf16},
      {"conv_stride_1x3", conv({1, 4, 8, 19}, 3, 3, 5, attributes(1, 3, 1, 1, 1, {1, 2, 1, 2}), true), conv_f32,
       conv_bf16},
      {"conv_dilation_2x3", conv({1, 4, 16, 16}, 4, 3, 3, attributes(1, 1, 2, 3, 1, {2, 3, 2, 3}), true), conv_f32,
       conv_bf16},
      {"conv_groups", conv({1, 8, 11, 13}, 12, 3, 3, attributes(1, 1, 1, 1, 4, Padding::same(1)), true), conv_f32,
       conv_bf16},
      {"conv_depthwise", conv({1, 7, 11, 13}, 7, 3, 3, attributes(1, 1, 1, 1, 7, Padding::same(1)), true), conv_f32,
       conv_bf16},
      {"conv_asymmetric_padding", conv({1, 3, 10, 12}, 5, 3, 3, attributes(2, 2, 1, 1, 1, {0, 0, 1, 1}), true),
       conv_f32, conv_bf16},
      {"conv_one_pixel", conv({1, 3, 1, 1}, 4, 3, 3, attributes(1, 1, 1, 1, 1, Padding::same(1)), true), conv_f32,
       conv_bf16},
      {"conv_transpose_4_2_1",
       [](GraphBuilder& b) {
         ConvTranspose2d doubling;
         doubling.pad = Padding::same(1);
         b.output(b.conv_transpose2d(b.input("x", {2, 5, 4, 6}), "up", 3, 4, doubling), "y");
       },
       conv_f32, conv_bf16},
      {"conv_transpose_2_2",
       [](GraphBuilder& b) {
         b.output(b.conv_transpose2d(b.input("x", {1, 4, 5, 3}), "up", 2, 2, {}), "y");
       },
       conv_f32, conv_bf16},
      {"softplus", unary({1, 3, 7, 9}, Softplus{}), one_op_f32, one_op_bf16},
      {"selu", unary({1, 3, 7, 9}, Selu{}), one_op_f32, one_op_bf16},
      {"sigmoid", unary({1, 3, 7, 9}, Sigmoid{}), one_op_f32, one_op_bf16},
      {"abs", unary({1, 3, 7, 9}, Abs{}), 0, one_op_bf16},
      {"log1p",
       [](GraphBuilder& b) {  // of values from 0 up: the logarithm magnifies what is lost next to -1
         b.output(b.log1p(b.abs(b.input("x", {1, 3, 7, 9}))), "y");
       },
       one_op_f32, one_op_bf16},
      {"pow",
       [](GraphBuilder& b) {
         b.output(b.pow(b.abs(b.input("x", {1, 3, 7, 9})), 0.3f), "y");
       },
       2 * one_op_f32, one_op_bf16},
      {"mean", unary({2, 3, 7, 9}, Mean{}), one_op_f32, one_op_bf16},
      {"sub", binary({1, 3, 7, 9}, {3, 1, 1}, Sub{}), one_op_f32, one_op_bf16},
      {"div",
       [](GraphBuilder& b) {  // by 0.5 to 1.5, so that quotients stay of unit size
         const ValueId divisor = b.add(b.abs(b.input("y", {1, 3, 7, 9})), b.constant(Tensor::filled({1}, 0.5f)));
         b.output(b.div(b.input("x", {1, 3, 7, 9}), divisor), "z");
       },
       2 * one_op_f32, 2 * one_op_bf16},
      {"relu", unary({1, 3, 7, 9}, Relu{}), 0, one_op_bf16},
      {"leaky_relu", unary({1, 3, 7, 9}, LeakyRelu{0.2f}), one_op_f32, one_op_bf16},
      {"clamp", unary({1, 3, 7, 9}, Clamp{-0.25f, 0.5f}), 0, one_op_bf16},
      {"prelu",
       [](GraphBuilder& b) {
         b.output(b.prelu(b.input("x", {2, 5, 7, 9}), "slope"), "y");
       },
       one_op_f32, one_op_bf16},
      {"add", binary({1, 3, 7, 9}, {1, 3, 7, 9}, Add{}), one_op_f32, one_op_bf16},
      {"add_channel", binary({1, 3, 7, 9}, {3, 1, 1}, Add{}), one_op_f32, one_op_bf16},
      {"mul", binary({1, 3, 7, 9}, {1, 3, 7, 9}, Mul{}), one_op_f32, one_op_bf16},
      {"mul_scalar", binary({1, 3, 7, 9}, {1}, Mul{}), one_op_f32, one_op_bf16},
      {"concat",
       [](GraphBuilder& b) {
         b.output(b.concat({b.input("x", {1, 3, 5, 7}), b.input("y", {1, 2, 5, 7}), b.input("z", {1, 1, 5, 7})}), "o");
       },
       0, one_op_bf16},
      {"pixel_shuffle_2", unary({1, 12, 5, 7}, PixelShuffle{2}), 0, one_op_bf16},
      {"pixel_shuffle_3", unary({1, 9, 5, 7}, PixelShuffle{3}), 0, one_op_bf16},
      {"pixel_shuffle_4", unary({2, 48, 5, 7}, PixelShuffle{4}), 0, one_op_bf16},
      {"pixel_unshuffle_2", unary({1, 3, 6, 8}, PixelUnshuffle{2}), 0, one_op_bf16},
      {"pixel_unshuffle_4", unary({2, 3, 8, 12}, PixelUnshuffle{4}), 0, one_op_bf16},
      {"nearest_2", unary({1, 3, 5, 7}, Resize{ResizeMode::nearest, 2, 2}), 0, one_op_bf16},
      {"nearest_4x3", unary({1, 3, 5, 7}, Resize{ResizeMode::nearest, 4, 3}), 0, one_op_bf16},
      {"bilinear_2", unary({1, 3, 5, 7}, Resize{ResizeMode::bilinear, 2, 2}), one_op_f32, one_op_bf16},
      {"bilinear_3", unary({1, 3, 5, 7}, Resize{ResizeMode::bilinear, 3, 3}), one_op_f32, one_op_bf16},
      // What lies between two integers up to the last bit of a division may fall to either.
      {"fake_quantize", fake_quantize({1, 3, 7, 9}, {-37, 218}, 1), 0.011, one_op_bf16},
      {"fake_quantize_each_output", fake_quantize({6, 3, 3, 3}, {-128, 127}, 6), 0.011, one_op_bf16},
      {"average_pool_3_2_1", unary({1, 3, 7, 10}, AveragePool2d{3, 2, 1}), one_op_f32, one_op_bf16},
      {"average_pool_2", unary({2, 3, 6, 8}, AveragePool2d{2, 2, 0}), one_op_f32, one_op_bf16},
      {"global_average_pool", unary({2, 3, 7, 9}, GlobalAveragePool{}), one_op_f32, one_op_bf16},
      {"instance_norm",
       [](GraphBuilder& b) {
         b.output(b.instance_norm(b.input("x", {2, 3, 7, 9}), "norm"), "y");
       },
       1e-5, one_op_bf16},
      {"batch_norm",
       [](GraphBuilder& b) {
         const ValueId x = b.input("x", {2, 3, 7, 9}), variance = b.constant(Tensor::filled({3}, 0.5f));
         std::vector<ValueId> inputs{x};
         for (const char* name : {"scale", "shift", "norm.running_mean"}) inputs.push_back(b.parameter(name, {3}));
         inputs.push_back(variance);
         b.output(b.add_node(BatchNorm{}, inputs), "y");
       },
       one_op_f32, one_op_bf16},
      {"conv_batch_norm",
       [](GraphBuilder& b) {
         const ValueId x = b.conv2d(b.input("x", {1, 4, 7, 9}), "conv", 3, 3, Conv2d{}, false);
         std::vector<ValueId> inputs{x};
         for (const char* name : {"scale", "shift", "norm.running_mean"}) inputs.push_back(b.parameter(name, {3}));
         inputs.push_back(b.constant(Tensor::filled({3}, 0.25f)));
         b.output(b.add_node(BatchNorm{}, inputs), "y");
       },
       2 * conv_f32, 2 * conv_bf16},
      {"max_pool_2", unary({2, 3, 6, 8}, MaxPool2d{2, 2}), 0, one_op_bf16},
      {"max_pool_3_2", unary({1, 3, 8, 9}, MaxPool2d{3, 2}), 0, one_op_bf16},
      {"inverse_tone_map_a", unary({2, 3, 7, 9}, InverseToneMap{Bt2446Method::a, 1000}), 0, 0},
      {"inverse_tone_map_c", unary({1, 3, 7, 9}, InverseToneMap{Bt2446Method::c, 600}), 0, 0},
      {"linear",
       [](GraphBuilder& b) {
         b.output(b.linear(b.input("x", {2, 3, 6}), "fc", 5), "y");
       },
       conv_f32, conv_bf16},
      {"gelu", unary({1, 3, 7, 9}, Gelu{}), one_op_f32, one_op_bf16},
      {"layer_norm", unary({2, 8, 3, 5}, LayerNorm{}), 1e-5, one_op_bf16},
      {"layer_norm_one_pixel", unary({1, 6, 1, 1}, LayerNorm{0.1f}), 1e-5, one_op_bf16},
      {"matmul", binary({2, 3, 6}, {6, 5}, MatMul{}), conv_f32, conv_bf16},
      {"matmul_broadcast", binary({2, 1, 4, 5}, {2, 3, 5, 7}, MatMul{}), conv_f32, conv_bf16},
      {"permute", unary({2, 3, 4, 5}, Permute{{0, 3, 1, 2}}), 0, one_op_bf16},
      {"permute_all", unary({2, 3, 4, 5}, Permute{{3, 0, 2, 1}}), 0, one_op_bf16},
      {"crop", unary({2, 3, 7, 9}, Crop{{1, 0, 3, 2}}), 0, one_op_bf16},
      {"repeat", unary({2, 3, 2, 3}, Repeat{3, 2}), 0, one_op_bf16},
      {"pad_zero", unary({2, 3, 4, 5}, Pad{PadMode::zero, {1, 0, 3, 2}}), 0, one_op_bf16},
      {"pad_reflect", unary({2, 3, 4, 5}, Pad{PadMode::reflect, {1, 4, 3, 2}}), 0, one_op_bf16},
      {"pad_edge", unary({1, 2, 3, 2}, Pad{PadMode::edge, {5, 1, 0, 4}}), 0, one_op_bf16},
      {"slice_channels", unary({2, 5, 4, 3}, Slice{1, 1, 4}), 0, one_op_bf16},
      {"slice_rows", unary({2, 3, 7, 5}, Slice{2, 2, 7}), 0, one_op_bf16},
      {"slice_of_a_matrix", unary({4, 6}, Slice{1, 3, 4}), 0, one_op_bf16},
      {"softmax_channels", unary({2, 5, 4, 3}, Softmax{1}), one_op_f32, one_op_bf16},
      {"softmax_last", unary({2, 4, 7}, Softmax{2}), one_op_f32, one_op_bf16},
      {"tanh", unary({1, 3, 7, 9}, Tanh{}), one_op_f32, one_op_bf16},
      {"reshape", unary({2, 3, 4}, Reshape{{1, 6, 2, 2}}), 0, one_op_bf16},
      {"bilinear_4x2", unary({1, 3, 1, 7}, Resize{ResizeMode::bilinear, 4, 2}), one_op_f32, one_op_bf16},
      {"max_pool_3_2_1", unary({1, 3, 7, 10}, MaxPool2d{3, 2, 1}), 0, one_op_bf16},
      {"hard_swish",
       [](GraphBuilder& b) {  // from -4 to 4, past both kinks
         b.output(b.hard_swish(b.scale(b.input("x", {1, 3, 7, 9}), 4)), "y");
       },
       4 * one_op_f32, 4 * one_op_bf16},
      // Where engines divide in float32, positions of ~10 pixels are off by 1e-6 of a pixel.
      {"resize_to_larger", unary({1, 3, 5, 7}, ResizeTo{12, 9, false}), 4 * one_op_f32, one_op_bf16},
      {"resize_to_smaller", unary({2, 3, 9, 12}, ResizeTo{5, 7, false}), 4 * one_op_f32, one_op_bf16},
      {"resize_to_align_corners", unary({1, 3, 5, 7}, ResizeTo{12, 19, true}), 4 * one_op_f32, one_op_bf16},
      {"resize_to_align_corners_smaller", unary({1, 3, 9, 12}, ResizeTo{5, 1, true}), 4 * one_op_f32, one_op_bf16},
      {"resize_to_from_one_pixel", unary({1, 3, 1, 1}, ResizeTo{4, 6, true}), 4 * one_op_f32, one_op_bf16},
  };
  return cases;
}

// Values in [-1, 1], the same on every machine for a seed.
inline Tensor random_tensor(const Shape& shape, uint32_t seed) {
  std::mt19937 engine(seed);
  Tensor tensor(DType::f32, shape);
  for (float& v : tensor.f32()) v = static_cast<float>(engine() >> 8) * 0x1p-23f - 1.0f;
  return tensor;
}

// Random tensors for every parameter of a graph.
inline Parameters random_parameters(const Graph& graph, uint32_t seed) {
  Parameters parameters;
  for (const Value& value : graph.values)
    if (value.kind == ValueKind::parameter) parameters.emplace(value.name, random_tensor(value.shape, ++seed));
  return parameters;
}

}  // namespace framelift
