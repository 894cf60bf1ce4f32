#include "weights/tflite.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "graph/graph.h"
#include "weights/flatbuffer.h"
#include "weights/tensor_size.h"

// Field numbers, operator codes and enumerators are those of TensorFlow Lite's schema.fbs (version 3).

namespace framelift {
namespace {

constexpr std::string_view identifier = "TFL3";
constexpr size_t max_operators = 1 << 16, max_operands = 64;
// Buffers may be shared by several tensors, small ones as a rule: a file that unfolds to many times its own size is
// hostile.
constexpr uint64_t max_unfolding = 8;

enum BuiltinOperator : int32_t {
  op_add = 0,
  op_average_pool_2d = 1,
  op_concatenation = 2,
  op_conv_2d = 3,
  op_depthwise_conv_2d = 4,
  op_dequantize = 6,
  op_logistic = 14,
  op_mul = 18,
  op_relu = 19,
  op_relu6 = 21,
  op_resize_bilinear = 23,
  op_custom = 32,
  op_hard_swish = 117,
};

enum class Activation : int8_t { none = 0, relu = 1, relu6 = 3 };
enum class PaddingScheme : int8_t { same = 0, valid = 1 };

Result<DType> dtype_of(int8_t tensor_type, std::string_view name) {
  switch (tensor_type) {
    case 0: return DType::f32;
    case 1: return DType::f16;
    case 2: return DType::i32;
  }
  return fail(ErrorCode::unsupported, "{}: holds tensors of type {}; only floating-point models can be read", name,
              tensor_type);
}

struct FileTensor {
  Shape shape;  // as in the file: NHWC
  DType dtype = DType::f32;
  std::span<const std::byte> data;  // empty: computed
};

struct Operator {
  int32_t code = 0;
  std::string_view custom;
  std::vector<int32_t> inputs, outputs;
  std::optional<FlatTable> options;
  std::span<const std::byte> custom_options;
};

// dst[.., j, ..] = src[.., axes[j], ..], for a constant of rank 4.
Tensor permuted(const FileTensor& src, const std::array<int, 4>& axes) {
  const Shape& s = src.shape;
  Tensor dst(src.dtype, {s[axes[0]], s[axes[1]], s[axes[2]], s[axes[3]]});
  const std::array<int64_t, 4> strides{s[1] * s[2] * s[3], s[2] * s[3], s[3], 1};
  const auto stride = [&](size_t j) { return strides[static_cast<size_t>(axes[j])]; };
  const size_t size = dtype_size(src.dtype);
  std::byte* to = dst.data();
  for (int64_t a = 0; a < dst.shape()[0]; ++a)
    for (int64_t b = 0; b < dst.shape()[1]; ++b)
      for (int64_t c = 0; c < dst.shape()[2]; ++c)
        for (int64_t d = 0; d < dst.shape()[3]; ++d, to += size) {
          const int64_t from = a * stride(0) + b * stride(1) + c * stride(2) + d * stride(3);
          std::memcpy(to, src.data.data() + static_cast<size_t>(from) * size, size);
        }
  return dst;
}

// What "SAME" puts around n samples: as many outputs as strides begin, the odd sample of padding at the end.
std::pair<int, int> same_padding(int64_t n, int64_t kernel, int stride, int dilation) {
  const int64_t outputs = (n + stride - 1) / stride;
  const int64_t all = std::max<int64_t>((outputs - 1) * stride + (kernel - 1) * dilation + 1 - n, 0);
  return {static_cast<int>(all / 2), static_cast<int>(all - all / 2)};
}

class TfliteModel {
 public:
  TfliteModel(std::span<const std::byte> bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  Result<WeightFile> read() {
    FL_CHECK(read_tables());
    FL_CHECK(begin());
    for (size_t i = 0; i < operators_.size(); ++i) {
      index_ = i;
      FL_CHECK(add(operators_[i]));
    }
    FL_TRY(Graph graph, finish());
    WeightFile file;
    file.path = std::filesystem::path(name_);
    file.format = WeightFormat::tflite;
    file.tensors = std::move(weights_);
    file.graph = std::make_shared<const Graph>(std::move(graph));
    return file;
  }

 private:
  // ---- the file's tables

  Status read_tables() {
    FL_TRY(const FlatTable model, FlatTable::root(bytes_, name_, identifier));
    FL_TRY(const FlatVector codes, model.vector(1, 4));
    FL_TRY(const FlatVector graphs, model.vector(2, 4));
    FL_TRY(const FlatVector buffers, model.vector(4, 4));
    if (graphs.size() != 1)
      return fail(ErrorCode::unsupported, "{}: has {} graphs; models of one can be read", name_, graphs.size());
    FL_TRY(const FlatTable graph, graphs.table(0));
    FL_TRY(const FlatVector tensors, graph.vector(0, 4));
    FL_TRY(const FlatVector operators, graph.vector(3, 4));
    if (tensors.size() > max_operators || operators.size() > max_operators)
      return fail(ErrorCode::unsupported, "{}: has {} operators and {} tensors, more than any network", name_,
                  operators.size(), tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      FL_TRY(const FlatTable table, tensors.table(i));
      FL_TRY(FileTensor tensor, read_tensor(table, buffers));
      tensors_.push_back(std::move(tensor));
    }
    for (size_t i = 0; i < operators.size(); ++i) {
      FL_TRY(const FlatTable table, operators.table(i));
      FL_TRY(Operator op, read_operator(table, codes));
      operators_.push_back(std::move(op));
    }
    FL_TRY(inputs_, read_indices(graph, 1));
    FL_TRY(outputs_, read_indices(graph, 2));
    return {};
  }

  Result<FileTensor> read_tensor(const FlatTable& table, const FlatVector& buffers) const {
    FileTensor tensor;
    FL_TRY(const FlatVector dims, table.vector(0, 4));
    if (dims.size() > 4) return fail(ErrorCode::unsupported, "{}: has a tensor of {} dimensions", name_, dims.size());
    std::vector<int64_t> shape;
    for (size_t i = 0; i < dims.size(); ++i) shape.push_back(dims.at<int32_t>(i));
    tensor.shape = Shape(shape);
    FL_TRY(const auto type, table.scalar<int8_t>(1, 0));
    FL_TRY(tensor.dtype, dtype_of(type, name_));
    FL_TRY(const auto buffer, table.scalar<uint32_t>(2, 0));
    if (buffer >= buffers.size())
      return fail(ErrorCode::invalid_data, "{}: a tensor lies in buffer {} of {}", name_, buffer, buffers.size());
    FL_TRY(const FlatTable held, buffers.table(buffer));
    FL_TRY(const FlatVector data, held.vector(0, 1));
    const auto wanted = checked_tensor_bytes(shape, tensor.dtype);
    if (!wanted || (data.size() > 0 && data.size() != *wanted))
      return fail(ErrorCode::invalid_data, "{}: a tensor {} of {} lies in {} bytes", name_, to_string(tensor.shape),
                  to_string(tensor.dtype), data.size());
    tensor.data = data.bytes();
    return tensor;
  }

  Result<Operator> read_operator(const FlatTable& table, const FlatVector& codes) const {
    Operator op;
    FL_TRY(const auto code_index, table.scalar<uint32_t>(0, 0));
    if (code_index >= codes.size())
      return fail(ErrorCode::invalid_data, "{}: an operator has code {} of {}", name_, code_index, codes.size());
    FL_TRY(const FlatTable code, codes.table(code_index));
    // Codes below 127 stood in a byte at first, and still do.
    FL_TRY(const auto byte_code, code.scalar<int8_t>(0, 0));
    FL_TRY(const auto wide_code, code.scalar<int32_t>(3, 0));
    op.code = std::max<int32_t>(byte_code, wide_code);
    FL_TRY(op.custom, code.text(1));
    FL_TRY(op.inputs, read_indices(table, 1));
    FL_TRY(op.outputs, read_indices(table, 2));
    FL_TRY(op.options, table.table(4));
    FL_TRY(const FlatVector custom_options, table.vector(5, 1));
    op.custom_options = custom_options.bytes();
    return op;
  }

  // Indices of tensors; -1 stands for an input that is left out.
  Result<std::vector<int32_t>> read_indices(const FlatTable& table, int field) const {
    FL_TRY(const FlatVector list, table.vector(field, 4));
    if (list.size() > max_operands)
      return fail(ErrorCode::unsupported, "{}: an operator has {} operands", name_, list.size());
    std::vector<int32_t> indices;
    for (size_t i = 0; i < list.size(); ++i) {
      indices.push_back(list.at<int32_t>(i));
      if (indices.back() < -1 || indices.back() >= static_cast<int64_t>(tensors_.size()))
        return fail(ErrorCode::invalid_data, "{}: refers to tensor {} of {}", name_, indices.back(), tensors_.size());
    }
    return indices;
  }

  // ---- the graph

  template <class... Args>
  tl::unexpected<Error> refuse(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) const {
    return fail(code, "{}: operator {}: {}", name_, index_, fmt::format(format, std::forward<Args>(args)...));
  }

  Status begin() {
    if (inputs_.size() != 1 || outputs_.size() != 1 || inputs_[0] < 0 || outputs_[0] < 0)
      return fail(ErrorCode::unsupported, "{}: has {} inputs and {} outputs; networks of one picture can be read",
                  name_, inputs_.size(), outputs_.size());
    const FileTensor& image = tensor(inputs_[0]);
    const Shape& s = image.shape;
    if (s.rank() != 4 || s[0] != 1 || s[3] != 3 || s[1] < 1 || s[2] < 1 || image.dtype != DType::f32)
      return fail(ErrorCode::unsupported, "{}: takes {} of {}, no RGB picture", name_, to_string(s),
                  to_string(image.dtype));
    values_.emplace(inputs_[0], builder_.input("image", nchw(s)));
    return {};
  }

  Result<Graph> finish() {
    const auto found = values_.find(outputs_[0]);
    if (found == values_.end()) return fail(ErrorCode::invalid_data, "{}: its output is never computed", name_);
    if (found->second == values_.at(inputs_[0])) return fail(ErrorCode::invalid_data, "{}: computes nothing", name_);
    builder_.output(found->second, "scores");
    auto graph = std::move(builder_).finish();
    if (!graph) return fail(graph.error().code, "{}: {}", name_, graph.error().message);
    return graph;
  }

  static Shape nchw(const Shape& s) { return {s[0], s[3], s[1], s[2]}; }
  const FileTensor& tensor(int32_t index) const { return tensors_[static_cast<size_t>(index)]; }

  // Input k of an operator, which must be there.
  Result<int32_t> operand(const Operator& op, size_t k) const {
    if (k >= op.inputs.size() || op.inputs[k] < 0) return refuse(ErrorCode::invalid_data, "has no input {}", k);
    return op.inputs[k];
  }
  Result<ValueId> computed(const Operator& op, size_t k) const {
    FL_TRY(const int32_t index, operand(op, k));
    const auto found = values_.find(index);
    if (found == values_.end()) return refuse(ErrorCode::unsupported, "input {} is no computed picture", k);
    return found->second;
  }

  // The constant behind input k, or behind the operator that widens it from half precision.
  Result<const FileTensor*> constant(const Operator& op, size_t k) const {
    FL_TRY(const int32_t index, operand(op, k));
    const auto widened = widened_.find(index);
    const FileTensor& found = tensor(widened == widened_.end() ? index : widened->second);
    if (found.data.empty()) return refuse(ErrorCode::unsupported, "input {} is not constant", k);
    return &found;
  }

  Result<ValueId> add_parameter(size_t k, Tensor weight) {
    unfolded_ += weight.bytes();
    if (unfolded_ > max_unfolding * bytes_.size())
      return refuse(ErrorCode::invalid_data, "the weights are {} times the file's size", max_unfolding);
    const std::string name = fmt::format("op{:03}.in{}", index_, k);
    const ValueId id = builder_.parameter(name, weight.shape());
    weights_.emplace_back(name, std::move(weight));
    return id;
  }

  // Weights of rank 4 with their axes in the graph's order.
  Result<ValueId> weight(const Operator& op, size_t k, const std::array<int, 4>& axes) {
    FL_TRY(const FileTensor* found, constant(op, k));
    if (found->shape.rank() != 4 || found->dtype == DType::i32)
      return refuse(ErrorCode::unsupported, "input {} is {} of {}, not weights", k, to_string(found->shape),
                    to_string(found->dtype));
    return add_parameter(k, permuted(*found, axes));
  }
  Result<ValueId> bias(const Operator& op, size_t k) {
    FL_TRY(const FileTensor* found, constant(op, k));
    if (found->shape.rank() != 1 || found->dtype == DType::i32)
      return refuse(ErrorCode::unsupported, "input {} is {} of {}, no bias", k, to_string(found->shape),
                    to_string(found->dtype));
    Tensor copy(found->dtype, found->shape);
    std::memcpy(copy.data(), found->data.data(), found->data.size());
    return add_parameter(k, std::move(copy));
  }

  template <class T>
  Result<T> option(const Operator& op, int field, T fallback) const {
    if (!op.options) return fallback;
    return op.options->scalar<T>(field, fallback);
  }

  // A stride, dilation or window, bounded so that sums of products stay within int.
  Result<int> step(const Operator& op, int field, int fallback) const {
    FL_TRY(const auto value, option<int32_t>(op, field, fallback));
    if (value < 1 || value > 4096) return refuse(ErrorCode::unsupported, "has a step of {}", value);
    return value;
  }

  Result<ValueId> activated(const Operator& op, int field, ValueId x) {
    FL_TRY(const auto code, option<int8_t>(op, field, 0));
    switch (static_cast<Activation>(code)) {
      case Activation::none: return x;
      case Activation::relu: return builder_.relu(x);
      case Activation::relu6: return builder_.relu6(x);
    }
    return refuse(ErrorCode::unsupported, "has activation {}", code);
  }

  // `first_step`: field of stride_w; stride_h and then, from `dilation`, the dilations follow.
  Result<ValueId> convolution(const Operator& op, bool depthwise) {
    FL_TRY(const ValueId x, computed(op, 0));
    constexpr std::array out_in_height_width{0, 3, 1, 2}, channels_first{3, 0, 1, 2};
    FL_TRY(const ValueId w, weight(op, 1, depthwise ? channels_first : out_in_height_width));
    const Shape in = builder_.shape(x), kernel = builder_.shape(w);
    const int dilation = depthwise ? 5 : 4, activation = depthwise ? 4 : 3;
    Conv2d conv;
    FL_TRY(conv.stride[1], step(op, 1, 1));
    FL_TRY(conv.stride[0], step(op, 2, 1));
    FL_TRY(conv.dilation[1], step(op, dilation, 1));
    FL_TRY(conv.dilation[0], step(op, dilation + 1, 1));
    if (depthwise) conv.groups = static_cast<int>(in[1]);
    FL_TRY(const auto scheme, option<int8_t>(op, 0, 0));
    if (static_cast<PaddingScheme>(scheme) == PaddingScheme::same) {
      std::tie(conv.pad.top, conv.pad.bottom) = same_padding(in[2], kernel[2], conv.stride[0], conv.dilation[0]);
      std::tie(conv.pad.left, conv.pad.right) = same_padding(in[3], kernel[3], conv.stride[1], conv.dilation[1]);
    }
    std::vector<ValueId> inputs{x, w};
    if (op.inputs.size() > 2 && op.inputs[2] >= 0) {
      FL_TRY(const ValueId b, bias(op, 2));
      inputs.push_back(b);
    }
    return activated(op, activation, builder_.add_node(conv, inputs, fmt::format("op{:03}", index_)));
  }

  // MediaPipe's: a transposed convolution with its bias; options are padding (1 same), stride_w, stride_h.
  Result<ValueId> transposed_convolution(const Operator& op) {
    FL_TRY(const ValueId x, computed(op, 0));
    FL_TRY(const ValueId w, weight(op, 1, {3, 0, 1, 2}));
    FL_TRY(const ValueId b, bias(op, 2));
    ByteReader reader(op.custom_options, name_);
    FL_TRY(const auto scheme, reader.read<int32_t>());
    FL_TRY(const auto stride_x, reader.read<int32_t>());
    FL_TRY(const auto stride_y, reader.read<int32_t>());
    const Shape kernel = builder_.shape(w);
    // With a kernel as large as its stride every padding scheme is the same: none.
    if (scheme < 1 || scheme > 2 || stride_y != kernel[2] || stride_x != kernel[3])
      return refuse(ErrorCode::unsupported, "a transposed convolution of {}x{} with stride {}x{}", kernel[3], kernel[2],
                    stride_x, stride_y);
    return builder_.add_node(ConvTranspose2d{{stride_y, stride_x}, {}}, {x, w, b});
  }

  Result<ValueId> average_pool(const Operator& op) {
    FL_TRY(const ValueId x, computed(op, 0));
    const Shape in = builder_.shape(x);
    FL_TRY(const auto scheme, option<int8_t>(op, 0, 0));
    FL_TRY(const int width, step(op, 3, 1));
    FL_TRY(const int height, step(op, 4, 1));
    if (static_cast<PaddingScheme>(scheme) != PaddingScheme::valid || height != in[2] || width != in[3])
      return refuse(ErrorCode::unsupported, "an average over {}x{} of {}, not over the whole picture", width, height,
                    to_string(in));
    return activated(op, 5, builder_.global_average_pool(x));
  }

  Result<ValueId> resize_bilinear(const Operator& op) {
    FL_TRY(const ValueId x, computed(op, 0));
    FL_TRY(const FileTensor* size, constant(op, 1));
    if (size->dtype != DType::i32 || size->data.size() != 8)
      return refuse(ErrorCode::invalid_data, "the size is {}, not two integers", to_string(size->shape));
    std::array<int32_t, 2> target{};
    std::memcpy(target.data(), size->data.data(), sizeof target);
    FL_TRY(const auto align_corners, option<uint8_t>(op, 2, 0));
    FL_TRY(const auto half_pixel, option<uint8_t>(op, 3, 0));
    if (!align_corners && !half_pixel)
      return refuse(ErrorCode::unsupported, "resizes from the corner, without half-pixel centres");
    return builder_.resize_to(x, target[0], target[1], align_corners != 0);
  }

  Result<ValueId> concatenation(const Operator& op) {
    FL_TRY(const auto axis, option<int32_t>(op, 0, 0));
    if (axis != 3 && axis != -1) return refuse(ErrorCode::unsupported, "joins along axis {}, not channels", axis);
    std::vector<ValueId> parts;
    for (size_t k = 0; k < op.inputs.size(); ++k) {
      FL_TRY(const ValueId part, computed(op, k));
      parts.push_back(part);
    }
    return activated(op, 1, builder_.concat(std::move(parts)));
  }

  Result<ValueId> of_two(const Operator& op, const Op& kind) {
    FL_TRY(const ValueId a, computed(op, 0));
    FL_TRY(const ValueId b, computed(op, 1));
    return activated(op, 0, builder_.add_node(kind, {a, b}));
  }
  Result<ValueId> of_one(const Operator& op, const Op& kind) {
    FL_TRY(const ValueId x, computed(op, 0));
    return builder_.add_node(kind, {x});
  }

  Result<ValueId> lower(const Operator& op) {
    switch (op.code) {
      case op_add: return of_two(op, Add{});
      case op_mul: return of_two(op, Mul{});
      case op_average_pool_2d: return average_pool(op);
      case op_concatenation: return concatenation(op);
      case op_conv_2d: return convolution(op, false);
      case op_depthwise_conv_2d: return convolution(op, true);
      case op_logistic: return of_one(op, Sigmoid{});
      case op_relu: return of_one(op, Relu{});
      case op_relu6: return of_one(op, Clamp{0, 6});
      case op_hard_swish: return of_one(op, HardSwish{});
      case op_resize_bilinear: return resize_bilinear(op);
      case op_custom:
        if (op.custom == "Convolution2DTransposeBias") return transposed_convolution(op);
        return refuse(ErrorCode::unsupported, "{} is not supported", op.custom);
    }
    return refuse(ErrorCode::unsupported, "code {} of the TensorFlow Lite schema is not supported", op.code);
  }

  Status add(const Operator& op) {
    if (op.outputs.size() != 1 || op.outputs[0] < 0)
      return refuse(ErrorCode::unsupported, "has {} outputs", op.outputs.size());
    if (op.code == op_dequantize) {  // of half-precision weights, which are read where they are used
      FL_TRY(const int32_t source, operand(op, 0));
      widened_[op.outputs[0]] = source;
      return {};
    }
    FL_TRY(const ValueId y, lower(op));
    if (const Status& status = builder_.status(); !status)
      return refuse(status.error().code, "{}", status.error().message);
    const Shape& declared = tensor(op.outputs[0]).shape;
    if (declared.rank() != 4 || builder_.shape(y) != nchw(declared))
      return refuse(ErrorCode::invalid_data, "makes {}, not the {} that the file says", to_string(builder_.shape(y)),
                    to_string(declared));
    if (!values_.emplace(op.outputs[0], y).second)
      return refuse(ErrorCode::invalid_data, "computes tensor {} again", op.outputs[0]);
    return {};
  }

  std::span<const std::byte> bytes_;
  std::string_view name_;
  std::vector<FileTensor> tensors_;
  std::vector<Operator> operators_;
  std::vector<int32_t> inputs_, outputs_;

  GraphBuilder builder_;
  std::map<int32_t, ValueId> values_;   // of computed tensors
  std::map<int32_t, int32_t> widened_;  // tensors that are others in float32
  std::vector<std::pair<std::string, Tensor>> weights_;
  uint64_t unfolded_ = 0;
  size_t index_ = 0;  // of the operator at hand
};

}  // namespace

Result<WeightFile> parse_tflite(std::span<const std::byte> bytes, std::string_view name) {
  return TfliteModel(bytes, name).read();
}

}  // namespace framelift
