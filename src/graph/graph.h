// The computation IR: one description of a network that every engine runs, trains and quantises.
//
// A Graph is a list of values (inputs, named parameters, constants, results of nodes) and of nodes in topological
// order. Shapes are static: a network is built for one input size. Pictures are NCHW.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "color/bt2446.h"
#include "frame/tensor.h"

namespace framelift {

// ---- ops: a closed set of attribute structs. What an op means is stated once, in graph/op.h and graph/evaluate.cpp.

// Rows and columns of zeros (or whatever the op says) around a picture.
struct Padding {
  int top = 0, left = 0, bottom = 0, right = 0;
  static Padding same(int n) { return {n, n, n, n}; }
  friend bool operator==(const Padding&, const Padding&) = default;
};

// inputs: x [N,Cin,H,W], weight [Cout,Cin/groups,kh,kw], optional bias [Cout]. Zero padding, cross-correlation.
struct Conv2d {
  std::array<int, 2> stride{1, 1};    // y, x
  std::array<int, 2> dilation{1, 1};  // y, x
  int groups = 1;
  Padding pad;
};

// The transpose of a convolution: every input pixel adds its multiple of the kernel to the output.
// inputs: x [N,Cin,H,W], weight [Cin,Cout,kh,kw], optional bias [Cout]. Size (n - 1) * stride + k - before - after.
struct ConvTranspose2d {
  std::array<int, 2> stride{2, 2};  // y, x
  Padding pad;                      // taken off the output
};

// max(x, 0)
struct Relu {};

// x < 0 ? slope * x : x
struct LeakyRelu {
  float slope = 0.01f;
};

// As LeakyRelu, with learnt slopes. inputs: x [N,C,...], slope [C] or [1].
struct PRelu {};

// min(max(x, low), high); NaN becomes low.
struct Clamp {
  float low = 0, high = 1;
};

// log(1 + e^x), x itself above 20.
struct Softplus {};

// 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (e^x - 1)) (Klambauer et al., 2017).
struct Selu {};

// 1 / (1 + e^-x)
struct Sigmoid {};

// (e^x - e^-x) / (e^x + e^-x)
struct Tanh {};

struct Abs {};

// x * (1 + erf(x / sqrt(2))) / 2 (Hendrycks & Gimpel, 2016), the exact form.
struct Gelu {};

// log(1 + x)
struct Log1p {};

// x^exponent; x is at least 0.
struct Pow {
  float exponent = 1;
};

// Elementwise with NumPy broadcasting. inputs: a, b.
struct Add {};
struct Sub {};
struct Mul {};
struct Div {};

// Any number of inputs, equal but for one axis.
struct Concat {
  int axis = 1;
};

// [N,C*r*r,H,W] -> [N,C,H*r,W*r]: out[c, y*r+i, x*r+j] = in[c*r*r + i*r + j, y, x].
struct PixelShuffle {
  int factor = 2;
};

// The inverse of PixelShuffle; H and W are multiples of the factor.
struct PixelUnshuffle {
  int factor = 2;
};

// Rows and columns taken off the edges of a picture.
struct Crop {
  Padding edges;
};

// Rows and columns put around a picture: zeros, its mirror image without the edge itself (fewer than there are pixels),
// or the edge's pixels again.
enum class PadMode : uint8_t { zero, reflect, edge };
struct Pad {
  PadMode mode = PadMode::zero;
  Padding edges;
};

// Entries [begin, end) along one axis.
struct Slice {
  int axis = 1;
  int64_t begin = 0, end = 1;
};

// The whole picture repeated: out[y, x] = in[y mod H, x mod W], [N,C,H,W] -> [N,C,H*rows,W*columns].
struct Repeat {
  int rows = 1, columns = 1;
};

// To an integer multiple of the size. nearest: out[y] = in[y / scale]; bilinear: half-pixel centres, edge clamp
// (align_corners=False).
enum class ResizeMode : uint8_t { nearest, bilinear };
struct Resize {
  ResizeMode mode = ResizeMode::nearest;
  int scale_y = 1, scale_x = 1;
};

// Mean over a square window of zeros-padded input; padding counts as elements (count_include_pad).
struct AveragePool2d {
  int kernel = 2, stride = 2, pad = 0;
};

// Largest value of each square window. Windows reach `pad` pixels over the edge, where nothing counts; pad < kernel.
struct MaxPool2d {
  int kernel = 2, stride = 2, pad = 0;
};

// Mean over all pixels: [N,C,H,W] -> [N,C,1,1].
struct GlobalAveragePool {};

// Mean over everything: [...] -> [1].
struct Mean {};

// Each channel of each picture brought to mean 0 and (biased) variance 1 over its pixels, then scaled and shifted:
// (x - mean) / sqrt(variance + epsilon) * scale + shift. inputs: x [N,C,H,W], scale [C], shift [C].
struct InstanceNorm {
  float epsilon = 1e-5f;
};

// Each channel scaled and shifted by what training found, not by what the picture holds:
// (x - mean) / sqrt(variance + epsilon) * scale + shift.
// inputs: x [N,C,H,W], scale [C], shift [C], mean [C], variance [C].
struct BatchNorm {
  float epsilon = 1e-5f;
};

// The channels of each pixel brought to mean 0 and (biased) variance 1: (x - mean) / sqrt(variance + epsilon).
// inputs: x [N,C,H,W].
struct LayerNorm {
  float epsilon = 1e-6f;
};

// Matrix products of the last two axes; the axes before broadcast as in NumPy. inputs: a [...,M,K], b [...,K,N].
struct MatMul {};

// x times the transposed weight along the last axis. inputs: x [...,I], weight [O,I], optional bias [O].
struct Linear {};

// e^x over the sum of e^x along one axis.
struct Softmax {
  int axis = 1;
};

// Axis i of the output is axis order[i] of the input, of 4.
struct Permute {
  std::array<int, 4> order{0, 1, 2, 3};
};

// The same elements under another shape.
struct Reshape {
  Shape shape;
};

// SDR to HDR pixel by pixel, by a formula instead of learnt weights (color/bt2446.h): [N,3,H,W] R'G'B' for a BT.1886
// display with BT.709 primaries -> R'G'B' in PQ with BT.2020 primaries.
struct InverseToneMap {
  Bt2446Method method = Bt2446Method::a;
  float peak_nits = 1000;
};

// x * min(max(x + 3, 0), 6) / 6 (Howard et al., ICCV 2019, section 5.2).
struct HardSwish {};

// Bilinear, to a size of its own, whatever the input's. Half-pixel centres with edge clamp, or with align_corners the
// centres of the corner pixels on each other.
struct ResizeTo {
  int height = 1, width = 1;
  bool align_corners = false;
};

// What a value is after it was an integer: min(max(round(x / scale), low), high) * scale, halves to the even neighbour
// (Jacob et al., CVPR 2018). low <= 0 <= high, so that 0 stays exact. Training passes gradients through the rounding,
// and the scale learns from what rounding and the two ends do (Esser et al., ICLR 2020).
// inputs: x, scale [1], or one for each entry of the first axis, [x.shape[0]]; above 0.
struct FakeQuantize {
  int low = -128, high = 127;
  friend bool operator==(const FakeQuantize&, const FakeQuantize&) = default;
};

using Op =
    std::variant<Conv2d, ConvTranspose2d, Relu, LeakyRelu, PRelu, Clamp, Softplus, Selu, Sigmoid, Tanh, Abs, Gelu,
                 HardSwish, Log1p, Pow, Add, Sub, Mul, Div, Concat, PixelShuffle, PixelUnshuffle, Crop, Pad, Slice,
                 Repeat, Resize, ResizeTo, AveragePool2d, MaxPool2d, GlobalAveragePool, Mean, InstanceNorm, BatchNorm,
                 LayerNorm, Softmax, MatMul, Linear, Permute, Reshape, InverseToneMap, FakeQuantize>;

// ---- the graph

using ValueId = int;  // index into Graph::values
inline constexpr ValueId no_value = -1;

enum class ValueKind : uint8_t { input, parameter, constant, result };

struct Value {
  ValueKind kind = ValueKind::result;
  DType dtype = DType::f32;
  Shape shape;
  std::string name;                        // inputs and parameters: unique; results: for messages and profiles
  std::shared_ptr<const Tensor> constant;  // kind == constant only
};

struct Node {
  Op op;
  std::vector<ValueId> inputs;
  ValueId output = no_value;
};

struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;  // topological order
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;

  const Value& value(ValueId id) const { return values[static_cast<size_t>(id)]; }
  Value& value(ValueId id) { return values[static_cast<size_t>(id)]; }
};

// Named weight tensors bound to a graph's parameters when it is compiled.
using Parameters = std::map<std::string, Tensor, std::less<>>;

// Writes a graph in the order the data flows. The first mistake (a shape that does not fit) is remembered and returned
// by finish(); until then the builder goes on harmlessly, so that network code reads without checks.
class GraphBuilder {
 public:
  ValueId input(std::string name, Shape shape);
  ValueId parameter(std::string name, Shape shape);
  ValueId constant(Tensor tensor);

  ValueId add_node(Op op, std::vector<ValueId> inputs, std::string name = {});

  // Convolution with parameters `<name>.weight` and, unless bias is false, `<name>.bias`.
  ValueId conv2d(ValueId x, std::string_view name, int64_t out_channels, int kernel, Conv2d attributes,
                 bool bias = true);
  // The usual one: odd kernel, stride 1, zero padding that keeps the size.
  ValueId conv2d_same(ValueId x, std::string_view name, int64_t out_channels, int kernel = 3);
  // Parameters `<name>.weight` [in,out,kernel,kernel] and `<name>.bias`.
  ValueId conv_transpose2d(ValueId x, std::string_view name, int64_t out_channels, int kernel,
                           ConvTranspose2d attributes);
  ValueId prelu(ValueId x, std::string_view name);  // parameter `<name>.weight`, one slope per channel
  ValueId relu(ValueId x) { return add_node(Relu{}, {x}); }
  ValueId leaky_relu(ValueId x, float slope) { return add_node(LeakyRelu{slope}, {x}); }
  ValueId softplus(ValueId x) { return add_node(Softplus{}, {x}); }
  ValueId selu(ValueId x) { return add_node(Selu{}, {x}); }
  ValueId sigmoid(ValueId x) { return add_node(Sigmoid{}, {x}); }
  ValueId tanh(ValueId x) { return add_node(Tanh{}, {x}); }
  ValueId softmax(ValueId x, int axis) { return add_node(Softmax{axis}, {x}); }
  ValueId abs(ValueId x) { return add_node(Abs{}, {x}); }
  ValueId gelu(ValueId x) { return add_node(Gelu{}, {x}); }
  ValueId log1p(ValueId x) { return add_node(Log1p{}, {x}); }
  ValueId pow(ValueId x, float exponent) { return add_node(Pow{exponent}, {x}); }
  ValueId mean(ValueId x) { return add_node(Mean{}, {x}); }
  ValueId add(ValueId a, ValueId b) { return add_node(Add{}, {a, b}); }
  ValueId sub(ValueId a, ValueId b) { return add_node(Sub{}, {a, b}); }
  ValueId div(ValueId a, ValueId b) { return add_node(Div{}, {a, b}); }
  ValueId mul(ValueId a, ValueId b) { return add_node(Mul{}, {a, b}); }
  ValueId scale(ValueId a, float factor) { return mul(a, constant(Tensor::filled({1}, factor))); }
  ValueId offset(ValueId a, float number) { return add(a, constant(Tensor::filled({1}, number))); }
  ValueId concat(std::vector<ValueId> parts, int axis = 1) { return add_node(Concat{axis}, std::move(parts)); }
  ValueId pixel_shuffle(ValueId x, int factor) { return add_node(PixelShuffle{factor}, {x}); }
  ValueId pixel_unshuffle(ValueId x, int factor) { return add_node(PixelUnshuffle{factor}, {x}); }
  ValueId crop(ValueId x, Padding edges) { return add_node(Crop{edges}, {x}); }
  ValueId pad(ValueId x, PadMode mode, Padding edges) { return add_node(Pad{mode, edges}, {x}); }
  ValueId slice(ValueId x, int axis, int64_t begin, int64_t end) { return add_node(Slice{axis, begin, end}, {x}); }
  ValueId repeat(ValueId x, int rows, int columns) { return add_node(Repeat{rows, columns}, {x}); }
  ValueId resize(ValueId x, ResizeMode mode, int scale) { return add_node(Resize{mode, scale, scale}, {x}); }
  ValueId average_pool(ValueId x, int kernel, int stride, int pad) {
    return add_node(AveragePool2d{kernel, stride, pad}, {x});
  }
  ValueId max_pool(ValueId x, int kernel, int stride, int pad = 0) {
    return add_node(MaxPool2d{kernel, stride, pad}, {x});
  }
  ValueId global_average_pool(ValueId x) { return add_node(GlobalAveragePool{}, {x}); }
  // Parameters `<name>.weight` (scale) and `<name>.bias` (shift), one each per channel.
  ValueId instance_norm(ValueId x, std::string_view name, float epsilon = 1e-5f);
  // Parameters `<name>.weight` (scale), `.bias` (shift), `.running_mean` and `.running_var`, one each per channel.
  ValueId batch_norm(ValueId x, std::string_view name, float epsilon = 1e-5f);
  ValueId layer_norm(ValueId x, float epsilon = 1e-6f) { return add_node(LayerNorm{epsilon}, {x}); }
  ValueId matmul(ValueId a, ValueId b) { return add_node(MatMul{}, {a, b}); }
  // Parameters `<name>.weight` [out,in] and `<name>.bias` [out].
  ValueId linear(ValueId x, std::string_view name, int64_t out_features);
  ValueId permute(ValueId x, std::array<int, 4> order) { return add_node(Permute{order}, {x}); }
  ValueId reshape(ValueId x, Shape shape) { return add_node(Reshape{shape}, {x}); }
  ValueId clamp(ValueId x, float low, float high) { return add_node(Clamp{low, high}, {x}); }
  ValueId relu6(ValueId x) { return clamp(x, 0, 6); }
  ValueId hard_swish(ValueId x) { return add_node(HardSwish{}, {x}); }
  ValueId resize_to(ValueId x, int height, int width, bool align_corners = false) {
    return add_node(ResizeTo{height, width, align_corners}, {x});
  }
  ValueId fake_quantize(ValueId x, ValueId scale, int low, int high) {
    return add_node(FakeQuantize{low, high}, {x, scale});
  }
  void output(ValueId x, std::string name);

  const Shape& shape(ValueId x) const;
  // The first mistake so far.
  const Status& status() const { return status_; }

  Result<Graph> finish() &&;

 private:
  Graph graph_;
  Status status_{};
};

}  // namespace framelift
