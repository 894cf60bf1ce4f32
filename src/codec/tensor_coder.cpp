#include "codec/tensor_coder.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <set>

#include "codec/value_model.h"

namespace framelift {

namespace {

// Models that all tensors of a network share.
struct SharedModels {
  SharedModels() {
    const std::vector<uint32_t> alike(AdaptiveModel::max_symbols, 1);
    scale_high.reset(alike);
    plain_high.reset(alike);
    line_class.reset(std::span(alike).first(line_classes));
  }
  AdaptiveModel scale_high, plain_high;  // the high byte of scales, of unquantised numbers
  AdaptiveModel line_class;
};

// The lines of a tensor: elements with the same index along its axis (the first dimension when it has none).
struct Lines {
  Lines(const Shape& shape, int axis) {
    if (shape.rank() == 0) return;
    count = shape[std::max(axis, 0)];
    for (int i = std::max(axis, 0) + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
  int64_t count = 1, inner = 1;
};

// The line of each element in turn.
class LineWalk {
 public:
  explicit LineWalk(const Lines& lines) : lines_(lines) {}
  size_t line() const { return static_cast<size_t>(line_); }
  void step() {
    if (++within_ < lines_.inner) return;
    within_ = 0;
    if (++line_ == lines_.count) line_ = 0;
  }

 private:
  Lines lines_;
  int64_t line_ = 0, within_ = 0;
};

constexpr int lag_bits = 28;  // a lag is below max_stored_values

// What is there to predict a value: the one `lag` before it.
int prediction(const std::vector<int16_t>& values, size_t i, int64_t lag) {
  return lag > 0 && i >= static_cast<size_t>(lag) ? values[i - static_cast<size_t>(lag)] : 0;
}

template <class Encoder>
void encode_values(Encoder& encoder, SharedModels& shared, const QuantizedTensor& tensor, const ValueCoding& coding,
                   std::span<const uint8_t> class_of_line) {
  encoder.put_raw(static_cast<uint32_t>(coding.precision), 3);
  encoder.put_raw(coding.classes, 1);
  encoder.put_raw(coding.lag > 0, 1);
  if (coding.lag > 0) encoder.put_raw(static_cast<uint32_t>(coding.lag), lag_bits);
  if (coding.classes)
    for (uint8_t c : class_of_line) shared.line_class.encode(encoder, c);

  ValueModel model(coding, tensor.bits);
  LineWalk walk(Lines(tensor.shape, tensor.axis));
  for (size_t i = 0; i < tensor.values.size(); ++i, walk.step())
    model.encode(encoder, coding.classes ? class_of_line[walk.line()] : 0,
                 wrap(tensor.values[i] - prediction(tensor.values, i, coding.lag), tensor.bits));
}

// The class of a line by its mean magnitude, zeros left out, beside the tensor's: steps of half an octave, the middle
// class around 1.
std::vector<uint8_t> classify_lines(const QuantizedTensor& tensor) {
  const Lines lines(tensor.shape, tensor.axis);
  std::vector<uint64_t> sums(static_cast<size_t>(lines.count)), counts(sums.size());
  LineWalk walk(lines);
  for (int value : tensor.values) {
    sums[walk.line()] += static_cast<uint64_t>(std::abs(value));
    counts[walk.line()] += value != 0;
    walk.step();
  }
  const uint64_t sum = std::reduce(sums.begin(), sums.end()), count = std::reduce(counts.begin(), counts.end());
  std::vector<uint8_t> classes(sums.size());
  for (size_t line = 0; line < classes.size(); ++line) {
    constexpr std::array<uint64_t, line_classes - 1> borders = {27, 38, 54, 76, 108, 152};  // 64 * 2^(-1.25 ... 1.25)
    // In floating point the choice could differ between machines.
    const uint64_t mean = counts[line] > 0 ? (sums[line] << 10) / counts[line] : 0;
    const uint64_t ratio = mean > 0 ? 64 * mean / ((sum << 10) / count) : 64;
    classes[line] = static_cast<uint8_t>(std::ranges::count_if(borders, [ratio](uint64_t b) { return ratio >= b; }));
  }
  return classes;
}

// The distance at which values resemble each other most, by the sum of absolute differences: a step along a dimension,
// or a block of steps along the first (a grid over time has its places in the same order in every block). 0 when
// differences are no smaller than the values.
int64_t best_lag(const QuantizedTensor& tensor) {
  const Shape& shape = tensor.shape;
  std::set<int64_t> lags;
  int64_t stride = 1;
  for (int d = shape.rank() - 1; d >= 0; stride *= shape[d--]) {
    if (shape[d] > 1) lags.insert(stride);
    for (int64_t block = 2; d == 0 && 2 * block <= shape[0]; ++block)
      if (shape[0] % block == 0) lags.insert(stride * block);
  }
  auto differences = [&](int64_t lag) {
    uint64_t sum = 0;
    for (size_t i = 0; i < tensor.values.size(); ++i)
      sum += static_cast<uint64_t>(std::abs(wrap(tensor.values[i] - prediction(tensor.values, i, lag), tensor.bits)));
    return sum;
  };
  int64_t best = 0;
  uint64_t least = differences(0);
  for (int64_t lag : lags) {
    const uint64_t sum = differences(lag);
    if (sum >= least) continue;
    least = sum;
    best = lag;
  }
  return best;
}

// Tries the choices one after the other, and keeps what costs fewer bits.
ValueCoding choose_coding(const SharedModels& shared, const QuantizedTensor& tensor,
                          std::span<const uint8_t> class_of_line) {
  auto cost = [&](const ValueCoding& coding) {
    RansCost counter;
    SharedModels scratch = shared;
    encode_values(counter, scratch, tensor, coding, class_of_line);
    return counter.bits();
  };
  ValueCoding best;
  int64_t least = cost(best);
  auto consider = [&](const ValueCoding& other) {
    if (token_count(other.precision, tensor.bits) > AdaptiveModel::max_symbols) return;
    const int64_t bits = cost(other);
    if (bits >= least) return;
    least = bits;
    best = other;
  };
  if (const int64_t lag = best_lag(tensor); lag > 0) consider({best.precision, false, lag});
  consider({best.precision, true, best.lag});
  for (int precision : {1, 2, 4, 5, 6}) consider({precision, best.classes, best.lag});
  return best;
}

// The high byte of a number's bits with a model, the others as they are.
void encode_bits(RansEncoder& encoder, AdaptiveModel& high, uint32_t number, int bits) {
  high.encode(encoder, static_cast<int>(number >> (bits - 8)));
  encoder.put_raw(number, bits - 8);
}

uint32_t decode_bits(RansDecoder& decoder, AdaptiveModel& high, int bits) {
  const auto byte = static_cast<uint32_t>(high.decode(decoder));
  return byte << (bits - 8) | decoder.raw(bits - 8);
}

void encode(RansEncoder& encoder, SharedModels& shared, const QuantizedTensor& tensor) {
  for (uint16_t scale : tensor.scales) encode_bits(encoder, shared.scale_high, scale, 16);
  const std::vector<uint8_t> class_of_line = classify_lines(tensor);
  encode_values(encoder, shared, tensor, choose_coding(shared, tensor, class_of_line), class_of_line);
}

void encode(RansEncoder& encoder, SharedModels& shared, const Tensor& plain) {
  for (int64_t i = 0; i < plain.elements(); ++i) {
    if (plain.dtype() == DType::f16)
      encode_bits(encoder, shared.plain_high, plain.as<uint16_t>()[i], 16);
    else
      encode_bits(encoder, shared.plain_high, plain.as<uint32_t>()[i], 32);
  }
}

// A decoder with the models, and the words for what may go wrong.
struct Decoding {
  RansDecoder decoder;
  std::string_view file;
  SharedModels shared;

  // `count` results of `next`. They are stored as they come, so that a promise of many takes no memory.
  template <class T, class Next>
  Result<std::vector<T>> decode(int64_t count, const std::string& name, Next next) {
    constexpr size_t block = 4096;
    const auto wanted = static_cast<size_t>(count);
    std::vector<T> values;
    for (size_t i = 0; i < wanted; ++i) {
      if (i == values.size()) {
        FL_CHECK(check(name));
        values.resize(std::min(wanted, i + block));
      }
      values[i] = static_cast<T>(next(values, i));
    }
    FL_CHECK(check(name));
    return values;
  }

  Status check(const std::string& name) const {
    if (decoder.damaged())
      return fail(ErrorCode::invalid_data, "{}: the data of tensor {} are damaged or cut off", file, name);
    return {};
  }

  Result<ValueCoding> decode_coding(const TensorLayout& layout) {
    ValueCoding coding;
    coding.precision = static_cast<int>(decoder.raw(3));
    coding.classes = decoder.raw(1) == 1;
    if (decoder.raw(1) == 1) coding.lag = decoder.raw(lag_bits);
    if (token_count(coding.precision, layout.bits) > AdaptiveModel::max_symbols)
      return fail(ErrorCode::invalid_data, "{}: tensor {} is coded with impossible parameters (damaged file)", file,
                  layout.name);
    return coding;
  }

  Result<QuantizedTensor> decode_quantized(const TensorLayout& layout) {
    QuantizedTensor tensor{layout.shape, layout.bits, layout.axis, {}, {}};
    FL_TRY(tensor.scales, decode<uint16_t>(scale_count(layout.shape, layout.axis), layout.name,
                                           [&](auto&, size_t) { return decode_bits(decoder, shared.scale_high, 16); }));
    FL_TRY(const ValueCoding coding, decode_coding(layout));
    const Lines lines(layout.shape, layout.axis);
    FL_TRY(const auto class_of_line, decode<uint8_t>(coding.classes ? lines.count : 0, layout.name,
                                                     [&](auto&, size_t) { return shared.line_class.decode(decoder); }));
    ValueModel model(coding, layout.bits);
    LineWalk walk(lines);
    FL_TRY(tensor.values, decode<int16_t>(layout.shape.elements(), layout.name, [&](const auto& values, size_t i) {
             const int residual = model.decode(decoder, coding.classes ? class_of_line[walk.line()] : 0);
             walk.step();
             return wrap(prediction(values, i, coding.lag) + residual, layout.bits);
           }));
    return tensor;
  }

  Result<Tensor> decode_plain(const TensorLayout& layout) {
    FL_TRY(const auto values, decode<uint32_t>(layout.shape.elements(), layout.name, [&](auto&, size_t) {
             return decode_bits(decoder, shared.plain_high, layout.bits);
           }));
    const bool half = layout.bits == 16;
    Tensor tensor(half ? DType::f16 : DType::f32, layout.shape);
    if (half)
      std::ranges::transform(values, tensor.as<uint16_t>(), [](uint32_t v) { return static_cast<uint16_t>(v); });
    else
      std::memcpy(tensor.data(), values.data(), tensor.bytes());
    return tensor;
  }
};

Status check_content(const StoredTensor& stored) {
  const auto* tensor = std::get_if<QuantizedTensor>(&stored.content);
  if (!tensor) {
    const DType dtype = std::get<Tensor>(stored.content).dtype();
    if (dtype == DType::f32 || dtype == DType::f16) return {};
    return fail(ErrorCode::invalid_argument, "tensor {} is {}; f32 and f16 can be stored", stored.name,
                to_string(dtype));
  }
  const auto elements = static_cast<size_t>(tensor->shape.elements());
  const auto scales = static_cast<size_t>(scale_count(tensor->shape, tensor->axis));
  if (tensor->values.size() != elements || tensor->scales.size() != scales)
    return fail(ErrorCode::invalid_argument, "tensor {} of shape {} has {} values and {} scales instead of {} and {}",
                stored.name, to_string(tensor->shape), tensor->values.size(), tensor->scales.size(), elements, scales);
  if (std::ranges::any_of(tensor->values, [tensor](int v) { return wrap(v, tensor->bits) != v; }))
    return fail(ErrorCode::invalid_argument, "tensor {} has values of more than {} bits", stored.name, tensor->bits);
  return {};
}

}  // namespace

std::vector<TensorLayout> layout_of(std::span<const StoredTensor> tensors) {
  std::vector<TensorLayout> layout;
  layout.reserve(tensors.size());
  for (const StoredTensor& tensor : tensors) {
    if (const auto* quantized = std::get_if<QuantizedTensor>(&tensor.content)) {
      layout.push_back({tensor.name, quantized->shape, quantized->bits, quantized->axis});
    } else {
      const Tensor& plain = std::get<Tensor>(tensor.content);
      layout.push_back({tensor.name, plain.shape(), plain.dtype() == DType::f16 ? 16 : 32, no_axis});
    }
  }
  return layout;
}

Status check_layout(std::span<const TensorLayout> layout, std::string_view file) {
  std::set<std::string_view> names;
  int64_t total = 0;
  for (const TensorLayout& tensor : layout) {
    if (!names.insert(tensor.name).second)
      return fail(ErrorCode::invalid_data, "{}: two tensors are named {}", file, tensor.name);
    const bool quantized = tensor.bits >= min_quantized_bits && tensor.bits <= max_quantized_bits;
    if (!quantized && tensor.bits != 16 && tensor.bits != 32)
      return fail(ErrorCode::invalid_data, "{}: tensor {} has {} bits; {} to {}, 16 and 32 are possible", file,
                  tensor.name, tensor.bits, min_quantized_bits, max_quantized_bits);
    if (tensor.axis < no_axis || tensor.axis >= tensor.shape.rank() || (!quantized && tensor.axis != no_axis))
      return fail(ErrorCode::invalid_data, "{}: tensor {} of shape {} cannot share scales along axis {}", file,
                  tensor.name, to_string(tensor.shape), tensor.axis);
    int64_t elements = 1;
    for (int64_t dim : tensor.shape.dims()) {
      if (dim < 1 || dim > max_stored_values / elements)
        return fail(ErrorCode::invalid_data,
                    "{}: tensor {} has the shape {}; dimensions are at least 1, and a network "
                    "has at most {} values",
                    file, tensor.name, to_string(tensor.shape), max_stored_values);
      elements *= dim;
    }
    total += elements;
    if (total > max_stored_values)
      return fail(ErrorCode::invalid_data, "{}: the tensors have more than {} values", file, max_stored_values);
  }
  return {};
}

Result<std::vector<std::byte>> encode_tensors(std::span<const StoredTensor> tensors) {
  FL_CHECK(check_layout(layout_of(tensors), "the network"));
  RansEncoder encoder;
  SharedModels shared;
  for (const StoredTensor& stored : tensors) {
    FL_CHECK(check_content(stored));
    std::visit([&](const auto& content) { encode(encoder, shared, content); }, stored.content);
  }
  return encoder.finish();
}

Result<std::vector<StoredTensor>> decode_tensors(std::span<const TensorLayout> layout, std::span<const std::byte> bytes,
                                                 std::string_view file) {
  Decoding decoding{RansDecoder(bytes), file, {}};
  std::vector<StoredTensor> tensors;
  for (const TensorLayout& tensor : layout) {
    if (tensor.bits <= max_quantized_bits) {
      FL_TRY(auto content, decoding.decode_quantized(tensor));
      tensors.push_back({tensor.name, std::move(content)});
    } else {
      FL_TRY(auto content, decoding.decode_plain(tensor));
      tensors.push_back({tensor.name, std::move(content)});
    }
  }
  if (!decoding.decoder.finished())
    return fail(ErrorCode::invalid_data, "{}: the data of the tensors do not end where they should (damaged file)",
                file);
  return tensors;
}

}  // namespace framelift
