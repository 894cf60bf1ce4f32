#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "weights/onnx/onnx_lowering.h"

namespace framelift {
namespace {

constexpr int64_t most_channels = 1 << 14;      // of pictures whose channels are reordered
constexpr int64_t most_pixels_moved = 1 << 14;  // of paddings and crops; sums stay within int

Status pass_on(OnnxLowering& l) {
  const OnnxValue* value = l.find(0);
  if (value != nullptr && value->id == no_value && value->known) return l.set_value(*value);
  FL_TRY(const ValueId x, l.value(0));
  return l.set(x);
}

Status constant(OnnxLowering& l) {
  for (const char* kind : {"value", "value_float", "value_int", "value_floats", "value_ints"}) {
    const auto found = l.node().attributes.find(kind);
    if (found == l.node().attributes.end()) continue;
    const OnnxAttribute& a = found->second;
    if (const auto* tensor = std::get_if<std::shared_ptr<const Tensor>>(&a))
      return l.set_value({*tensor, l.node().outputs.at(0), no_value});
    std::vector<int64_t> integers;
    if (const auto* one = std::get_if<int64_t>(&a)) integers = {*one};
    if (const auto* many = std::get_if<std::vector<int64_t>>(&a)) integers = *many;
    std::vector<float> reals;
    if (const auto* one = std::get_if<float>(&a)) reals = {*one};
    if (const auto* many = std::get_if<std::vector<float>>(&a)) reals = *many;
    const bool single = found->first == "value_float" || found->first == "value_int";
    const auto count = static_cast<int64_t>(std::max(integers.size(), reals.size()));
    Tensor tensor(reals.empty() ? DType::i64 : DType::f32, single ? Shape{} : Shape{count});
    if (reals.empty())
      std::ranges::copy(integers, tensor.as<int64_t>());
    else
      std::ranges::copy(reals, tensor.as<float>());
    return l.set_known(std::move(tensor));
  }
  return l.unsupported("holds no tensor of numbers");
}

// From one type of numbers to another: between floating-point types nothing happens, everything is float32.
Status cast(OnnxLowering& l) {
  FL_TRY(const int64_t to, l.integer("to", 0));
  constexpr int64_t to_float = 1, to_half = 10, to_double = 11, to_bfloat16 = 16;
  if (to == to_float || to == to_half || to == to_double || to == to_bfloat16) return pass_on(l);
  return l.unsupported("turns the picture into integers (ONNX type {})", to);
}

// The shape that Reshape asks for.
Result<Shape> wanted_shape(OnnxLowering& l, const Shape& from, std::vector<int64_t> dims) {
  FL_TRY(const int64_t zero_is_zero, l.integer("allowzero", 0));
  int64_t known = 1, open = -1;
  if (dims.size() > Shape::max_rank) return l.unsupported("makes {} axes", dims.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0 && zero_is_zero == 0 && static_cast<int>(i) < from.rank()) dims[i] = from[static_cast<int>(i)];
    if (dims[i] == -1 && open < 0) {
      open = static_cast<int64_t>(i);
    } else if (dims[i] <= 0 || dims[i] > std::numeric_limits<int64_t>::max() / known) {
      return l.refuse(ErrorCode::invalid_data, "{} is no size", dims[i]);
    } else {
      known *= dims[i];
    }
  }
  if (open >= 0) {
    if (from.elements() % known != 0)
      return l.refuse(ErrorCode::invalid_data, "{} does not divide into parts of {}", to_string(from), known);
    dims[static_cast<size_t>(open)] = from.elements() / known;
  }
  const Shape shape(dims);
  if (shape.elements() != from.elements())
    return l.refuse(ErrorCode::invalid_data, "{} cannot become {}", to_string(from), to_string(shape));
  return shape;
}

// What a picture of C channels, split up, transposed and put together again, is.
Result<ValueId> put_together(OnnxLowering& l, const Rearranged& r, const Shape& wanted) {
  const Shape &from = l.b.shape(r.source), &s = r.split;
  const bool pictures = from.rank() == 4 && wanted.rank() == 4;
  using Order = std::vector<int64_t>;
  if (pictures && s.rank() == 6) {
    // [N,C,r,r,H,W] -> [N,C,H,r,W,r]
    if (r.order == Order{0, 1, 4, 2, 5, 3} && s[2] == s[3] && s[4] == from[2] && s[5] == from[3] &&
        wanted == Shape{s[0], s[1], s[4] * s[2], s[5] * s[3]})
      return l.b.pixel_shuffle(r.source, static_cast<int>(s[2]));
    // [N,C,H,r,W,r] -> [N,C,r,r,H,W]
    if (r.order == Order{0, 1, 3, 5, 2, 4} && s[3] == s[5] && s[1] == from[1] && s[2] * s[3] == from[2] &&
        wanted == Shape{s[0], s[1] * s[3] * s[5], s[2], s[4]})
      return l.b.pixel_unshuffle(r.source, static_cast<int>(s[3]));
  }
  // [N,g,C,H,W] -> [N,C,g,H,W]
  if (pictures && s.rank() == 5 && from[1] <= most_channels && r.order == Order{0, 2, 1, 3, 4} && s[3] == from[2] &&
      s[4] == from[3] && wanted == from) {
    std::vector<int64_t> channels;
    for (int64_t c = 0; c < s[2]; ++c)
      for (int64_t g = 0; g < s[1]; ++g) channels.push_back(g * s[2] + c);
    return l.select_channels(r.source, std::move(channels));
  }
  return l.unsupported("{}, transposed as {} and made {}, is no shuffle of pixels or channels that is known",
                       to_string(s), fmt::join(r.order, ","), to_string(wanted));
}

Status reshape_to(OnnxLowering& l, const Shape& shape) {
  FL_TRY(const ValueId x, l.value(0));
  if (l.b.shape(x) == shape) return l.set(x);
  const ValueId y = l.b.reshape(x, shape);
  l.reshaped[y] = x;
  return l.set(y);
}

Status reshape(OnnxLowering& l) {
  FL_TRY(auto dims, l.integers(1));
  if (const auto found = l.has(0) ? l.rearranged.find(l.node().inputs[0]) : l.rearranged.end();
      found != l.rearranged.end()) {
    const Rearranged& r = found->second;
    std::vector<int64_t> transposed;
    for (const int64_t axis : r.order) transposed.push_back(r.split[static_cast<int>(axis)]);
    FL_TRY(const Shape shape, wanted_shape(l, Shape(transposed), std::move(dims)));
    FL_TRY(const ValueId y, put_together(l, r, shape));
    return l.set(y);
  }
  FL_TRY(const Shape from, l.shape(0));
  FL_TRY(const Shape shape, wanted_shape(l, from, std::move(dims)));
  return reshape_to(l, shape);
}

Status flatten(OnnxLowering& l) {
  FL_TRY(const Shape from, l.shape(0));
  FL_TRY(const int64_t stated, l.integer("axis", 1));
  const int axis = static_cast<int>(stated < 0 ? stated + from.rank() : stated);
  if (axis < 0 || axis > from.rank()) return l.refuse(ErrorCode::invalid_data, "axis {} is none", stated);
  int64_t rows = 1;
  for (int i = 0; i < axis; ++i) rows *= from[i];
  return reshape_to(l, {rows, from.elements() / rows});
}

Status squeeze(OnnxLowering& l) {
  FL_TRY(const Shape from, l.shape(0));
  FL_TRY(const auto axes, l.axes(1, axes_of_one(from)));
  std::vector<bool> dropped(static_cast<size_t>(from.rank()));
  for (const int64_t stated : axes) {
    FL_TRY(const int axis, l.axis(stated, from.rank()));
    if (from[axis] != 1) return l.refuse(ErrorCode::invalid_data, "axis {} of {} is not 1", axis, to_string(from));
    dropped[static_cast<size_t>(axis)] = true;
  }
  std::vector<int64_t> dims;
  for (int i = 0; i < from.rank(); ++i)
    if (!dropped[static_cast<size_t>(i)]) dims.push_back(from[i]);
  return reshape_to(l, dims.empty() ? Shape{1} : Shape(dims));
}

Status unsqueeze(OnnxLowering& l) {
  FL_TRY(const Shape from, l.shape(0));
  FL_TRY(const auto added, l.axes(1, {}));
  const int rank = from.rank() + static_cast<int>(std::min<size_t>(added.size(), Shape::max_rank));
  if (added.size() > Shape::max_rank || rank > Shape::max_rank) return l.unsupported("makes {} axes", rank);
  std::vector<bool> is_new(static_cast<size_t>(rank));
  for (const int64_t stated : added) {
    FL_TRY(const int axis, l.axis(stated, rank));
    is_new[static_cast<size_t>(axis)] = true;
  }
  if (std::ranges::count(is_new, true) != static_cast<ptrdiff_t>(added.size()))
    return l.refuse(ErrorCode::invalid_data, "names an axis twice");
  std::vector<int64_t> dims;
  for (int i = 0, next = 0; i < rank; ++i) dims.push_back(is_new[static_cast<size_t>(i)] ? 1 : from[next++]);
  return reshape_to(l, Shape(dims));
}

Status transpose(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  const Shape s = l.b.shape(x);
  std::vector<int64_t> reversed(static_cast<size_t>(s.rank()));
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  FL_TRY(const auto order, l.list("perm", reversed));
  std::vector<int64_t> sorted = order;
  std::ranges::sort(sorted);
  if (!std::ranges::equal(sorted.rbegin(), sorted.rend(), reversed.begin(), reversed.end()))
    return l.refuse(ErrorCode::invalid_data, "perm {} is no order of {} axes", fmt::join(order, ","), s.rank());
  if (s.rank() > 4) {  // what it was before it was split up is the source
    const auto source = l.reshaped.find(x);
    if (source == l.reshaped.end()) return l.unsupported("transposes {} axes", s.rank());
    l.rearranged[l.node().outputs.at(0)] = {source->second, s, order};
    return {};
  }
  // As the last of four axes.
  const int missing = 4 - s.rank();
  std::array<int, 4> four{0, 1, 2, 3};
  std::vector<int64_t> padded(4, 1), result;
  for (int i = 0; i < s.rank(); ++i) {
    const int axis = missing + i;
    four[static_cast<size_t>(axis)] = missing + static_cast<int>(order[static_cast<size_t>(i)]);
    padded[static_cast<size_t>(axis)] = s[i];
    result.push_back(s[static_cast<int>(order[static_cast<size_t>(i)])]);
  }
  if (four == std::array{0, 1, 2, 3}) return l.set(x);
  if (missing == 0) return l.set(l.b.permute(x, four));
  return l.set(l.b.reshape(l.b.permute(l.b.reshape(x, Shape(padded)), four), Shape(result)));
}

Status concat(OnnxLowering& l) {
  std::vector<ValueId> parts;
  for (size_t k = 0; k < l.node().inputs.size(); ++k) {
    FL_TRY(const ValueId part, l.value(k));
    parts.push_back(part);
  }
  if (parts.empty()) return l.refuse(ErrorCode::invalid_data, "has nothing to join");
  FL_TRY(const int64_t stated, l.integer("axis", 0));
  FL_TRY(const int axis, l.axis(stated, l.b.shape(parts[0]).rank()));
  return l.set(parts.size() == 1 ? parts[0] : l.b.concat(std::move(parts), axis));
}

// Entries [begin, end) along an axis; rows and columns of pictures are cropped.
ValueId part_of(OnnxLowering& l, ValueId x, int axis, int64_t begin, int64_t end) {
  const Shape& s = l.b.shape(x);
  if (begin == 0 && end == s[axis]) return x;
  if (s.rank() != 4 || axis < 2 || begin < 0 || end > s[axis] || begin >= end) return l.b.slice(x, axis, begin, end);
  Padding edges;
  (axis == 2 ? edges.top : edges.left) = static_cast<int>(begin);
  (axis == 2 ? edges.bottom : edges.right) = static_cast<int>(s[axis] - end);
  return l.b.crop(x, edges);
}

Status slice(OnnxLowering& l) {
  FL_TRY(ValueId x, l.value(0));
  FL_TRY(const auto starts, l.integers(1));
  FL_TRY(const auto ends, l.integers(2));
  std::vector<int64_t> axes(starts.size()), strides(starts.size(), 1);
  std::iota(axes.begin(), axes.end(), 0);
  if (l.has(3)) {
    FL_TRY(axes, l.integers(3));
  }
  if (l.has(4)) {
    FL_TRY(strides, l.integers(4));
  }
  if (ends.size() != starts.size() || axes.size() != starts.size() || strides.size() != starts.size())
    return l.refuse(ErrorCode::invalid_data, "starts, ends, axes and steps are of different lengths");
  for (size_t i = 0; i < starts.size(); ++i) {
    if (strides[i] != 1) return l.unsupported("takes entries in steps of {}", strides[i]);
    FL_TRY(const int axis, l.axis(axes[i], l.b.shape(x).rank()));
    const int64_t size = l.b.shape(x)[axis];
    const auto within = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? std::max(at, -size) + size : at, 0, size);
    };
    const int64_t begin = within(starts[i]), end = within(ends[i]);
    if (begin >= end) return l.unsupported("leaves nothing of axis {}", axis);
    x = part_of(l, x, axis, begin, end);
  }
  return l.set(x);
}

Status split(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const int64_t stated, l.integer("axis", 0));
  FL_TRY(const int axis, l.axis(stated, l.b.shape(x).rank()));
  const int64_t size = l.b.shape(x)[axis];
  std::vector<int64_t> parts;
  if (l.has(1)) {
    FL_TRY(parts, l.integers(1));
  } else if (l.has_attribute("split")) {
    FL_TRY(parts, l.list("split", {}));
  } else {  // as even as possible, the last the smallest
    const auto count = static_cast<int64_t>(std::max<size_t>(l.node().outputs.size(), 1));
    const int64_t each = (size + count - 1) / count;
    parts.assign(static_cast<size_t>(count), each);
    parts.back() = size - each * (count - 1);
  }
  if (parts.size() != l.node().outputs.size())
    return l.refuse(ErrorCode::invalid_data, "makes {} parts of {} outputs", parts.size(), l.node().outputs.size());
  int64_t begin = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] < 1 || parts[i] > size - begin)
      return l.refuse(ErrorCode::invalid_data, "a part of {} does not fit into {}", parts[i], size);
    FL_CHECK(l.set(part_of(l, x, axis, begin, begin + parts[i]), i));
    begin += parts[i];
  }
  return {};
}

// Of entries known now, along one axis.
Status gather(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(auto indices, l.integers(1));
  FL_TRY(const Shape index_shape, l.shape(1));
  const Shape s = l.b.shape(x);
  FL_TRY(const int64_t stated, l.integer("axis", 0));
  FL_TRY(const int axis, l.axis(stated, s.rank()));
  for (int64_t& index : indices) {
    if (index < -s[axis] || index >= s[axis])
      return l.refuse(ErrorCode::invalid_data, "takes entry {} of {}", index, s[axis]);
    if (index < 0) index += s[axis];
  }
  if (index_shape.rank() == 0) {
    std::vector<int64_t> dims(s.dims().begin(), s.dims().end());
    dims.erase(dims.begin() + axis);
    const ValueId one = part_of(l, x, axis, indices[0], indices[0] + 1);
    return l.set(l.b.reshape(one, dims.empty() ? Shape{1} : Shape(dims)));
  }
  if (index_shape.rank() != 1 || axis != 1 || s.rank() != 4 || indices.empty())
    return l.unsupported("takes entries of axis {} of {}; channels of pictures can be taken", axis, to_string(s));
  FL_TRY(const ValueId y, l.select_channels(x, std::move(indices)));
  return l.set(y);
}

Status pad(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  const int rank = l.b.shape(x).rank();
  FL_TRY(const auto amounts, l.integers(1));
  FL_TRY(const std::string_view mode, l.text("mode", "constant"));
  double fill = 0;
  if (mode == "constant" && l.has(2)) {
    FL_TRY(fill, l.scalar(2));
  }
  std::vector<int64_t> axes(static_cast<size_t>(rank));
  std::iota(axes.begin(), axes.end(), 0);
  if (l.has(3)) {
    FL_TRY(axes, l.integers(3));
  }
  if (amounts.size() != 2 * axes.size())
    return l.refuse(ErrorCode::invalid_data, "has {} amounts for {} axes", amounts.size(), axes.size());
  Padding around, off;
  for (size_t i = 0; i < amounts.size(); ++i) {
    FL_TRY(const int axis, l.axis(axes[i % axes.size()], rank));
    const int64_t n = amounts[i];
    if (n == 0) continue;
    if (rank != 4 || axis < 2 || std::abs(n) > most_pixels_moved)
      return l.unsupported("adds {} to axis {} of {} axes; rows and columns of pictures can be added", n, axis, rank);
    const bool before = i < axes.size();
    Padding& sides = n > 0 ? around : off;
    int& side = axis == 2 ? (before ? sides.top : sides.bottom) : (before ? sides.left : sides.right);
    side = static_cast<int>(std::abs(n));
  }
  const PadMode how = mode == "reflect" ? PadMode::reflect : mode == "edge" ? PadMode::edge : PadMode::zero;
  if (how == PadMode::zero && (mode != "constant" || fill != 0))
    return l.unsupported("fills in mode {} with {}; constant with 0, reflect and edge are known", mode, fill);
  const ValueId kept = off == Padding{} ? x : l.b.crop(x, off);
  return l.set(around == Padding{} ? kept : l.b.pad(kept, how, around));
}

// ---- sizes of pictures

// Rows and columns after Resize, from its sizes or scales.
struct Target {
  std::array<int64_t, 2> size{};
  std::array<double, 2> scale{};
};

Result<Target> resize_target(OnnxLowering& l, const Shape& s) {
  std::vector<int64_t> axes{0, 1, 2, 3};
  FL_TRY(axes, l.list("axes", axes));
  const bool by_size = l.has(3) && !(l.known(3) && l.known(3)->shape().elements() == 0);
  std::vector<double> numbers;
  if (by_size) {
    FL_TRY(numbers, l.reals(3));
  } else {
    FL_TRY(numbers, l.reals(2));
  }
  if (numbers.size() != axes.size())
    return l.refuse(ErrorCode::invalid_data, "has {} sizes for {} axes", numbers.size(), axes.size());
  Target target{{s[2], s[3]}, {1, 1}};
  for (size_t i = 0; i < axes.size(); ++i) {
    FL_TRY(const int axis, l.axis(axes[i], 4));
    const auto before = static_cast<double>(s[axis]);
    const double scale = by_size ? numbers[i] / before : numbers[i];
    const double size = by_size ? numbers[i] : std::floor(before * scale);
    if (!(size >= 1) || size > 1 << 20) return l.unsupported("makes {} of {} rows or columns", size, before);
    if (axis < 2 && size != before) return l.unsupported("resizes axis {}", axis);
    if (axis < 2) continue;
    target.size[static_cast<size_t>(axis - 2)] = static_cast<int64_t>(size);
    target.scale[static_cast<size_t>(axis - 2)] = scale;
  }
  return target;
}

Status resize(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  const Shape s = l.b.shape(x);
  if (s.rank() != 4) return l.unsupported("resizes {}; pictures have 4 axes", to_string(s));
  FL_TRY(const Target target, resize_target(l, s));
  FL_TRY(const std::string_view mode, l.text("mode", "nearest"));
  FL_TRY(const std::string_view where, l.text("coordinate_transformation_mode", "half_pixel"));
  FL_TRY(const std::string_view rounding, l.text("nearest_mode", "round_prefer_floor"));
  FL_TRY(const int64_t antialias, l.integer("antialias", 0));
  FL_TRY(const std::string_view policy, l.text("keep_aspect_ratio_policy", "stretch"));
  const auto refused = [&] {
    return l.unsupported("resizes {} to {}x{} in mode {}, {}, {}", to_string(s), target.size[1], target.size[0], mode,
                         where, rounding);
  };
  if (antialias != 0 || policy != "stretch") return refused();
  const auto height = static_cast<int>(target.size[0]), width = static_cast<int>(target.size[1]);
  const auto factor = [&](size_t i) {  // the integer that the size is multiplied by, or 0
    const int64_t before = s[static_cast<int>(2 + i)];
    return target.size[i] % before == 0 ? static_cast<int>(target.size[i] / before) : 0;
  };
  const auto exact = [&](size_t i) {  // positions follow the stated scale, here the ratio of sizes
    return std::abs(static_cast<double>(target.size[i]) -
                    target.scale[i] * static_cast<double>(s[static_cast<int>(2 + i)])) < 1e-3;
  };
  const bool half_pixel = where == "half_pixel" || where == "pytorch_half_pixel" || where == "half_pixel_symmetric";
  const bool integer = factor(0) > 0 && factor(1) > 0 && exact(0) && exact(1);
  if (integer && factor(0) == 1 && factor(1) == 1) return l.set(x);
  if (mode == "nearest") {
    // Half-pixel centres never fall on a border between pixels when the size is multiplied.
    const bool rounds = rounding.starts_with("round");
    const bool repeats =
        (where == "asymmetric" &&
         (rounding == "floor" || (rounding == "round_prefer_floor" && std::max(factor(0), factor(1)) <= 2))) ||
        (half_pixel && rounds);
    if (!integer || !repeats) return refused();
    return l.set(l.b.add_node(Resize{ResizeMode::nearest, factor(0), factor(1)}, {x}));
  }
  if (mode != "linear") return refused();
  if (where == "align_corners") return l.set(l.b.resize_to(x, height, width, true));
  if (!half_pixel || (where == "pytorch_half_pixel" && (height == 1 || width == 1))) return refused();
  if (integer) return l.set(l.b.add_node(Resize{ResizeMode::bilinear, factor(0), factor(1)}, {x}));
  if (!exact(0) || !exact(1)) return refused();
  return l.set(l.b.resize_to(x, height, width));
}

Result<int> block_size(OnnxLowering& l, ValueId x) {
  FL_TRY(const int64_t block, l.integer("blocksize", 0));
  if (block < 1 || block > 64 || l.b.shape(x).rank() != 4)
    return l.refuse(ErrorCode::invalid_data, "blocks of {} in {}", block, to_string(l.b.shape(x)));
  return static_cast<int>(block);
}

// Between channels ordered [block row, block column, channel], which ONNX calls DCR, and the IR's [channel, row,
// column].
std::vector<int64_t> block_order(int64_t channels, int64_t block, bool to_dcr) {
  std::vector<int64_t> order(static_cast<size_t>(channels * block * block));
  for (int64_t i = 0; i < block * block; ++i)
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t dcr = i * channels + c, crd = c * block * block + i;
      order[static_cast<size_t>(to_dcr ? dcr : crd)] = to_dcr ? crd : dcr;
    }
  return order;
}

Status depth_to_space(OnnxLowering& l) {
  FL_TRY(ValueId x, l.value(0));
  FL_TRY(const int block, block_size(l, x));
  FL_TRY(const std::string_view mode, l.text("mode", "DCR"));
  const int64_t channels = l.b.shape(x)[1] / (int64_t{block} * block);
  if (channels > most_channels) return l.unsupported("has {} channels", channels);
  if (channels * block * block != l.b.shape(x)[1])
    return l.refuse(ErrorCode::invalid_data, "{} has no blocks of {}", to_string(l.b.shape(x)), block);
  if (mode == "DCR") {
    FL_TRY(x, l.select_channels(x, block_order(channels, block, false)));
  }
  return l.set(l.b.pixel_shuffle(x, block));
}

Status space_to_depth(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const int block, block_size(l, x));
  const int64_t channels = l.b.shape(x)[1];
  if (channels > most_channels) return l.unsupported("has {} channels", channels);
  const ValueId deep = l.b.pixel_unshuffle(x, block);
  if (const Status& status = l.b.status(); !status) return l.unsupported("{}", status.error().message);
  FL_TRY(const ValueId y, l.select_channels(deep, block_order(channels, block, true)));
  return l.set(y);
}

// A value repeated to a larger shape, of one pixel to all pixels.
Status expand(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const auto dims, l.integers(1));
  const Shape s = l.b.shape(x);
  const auto size = [&](int axis) {
    const int64_t stated = static_cast<size_t>(axis) < dims.size() ? dims[static_cast<size_t>(axis)] : 0;
    return std::max(stated, s[axis]);
  };
  if (s.rank() == 4 && dims.size() == 4 && size(0) == s[0] && size(1) == s[1] && s[2] == 1 && s[3] == 1 &&
      size(2) <= 1 << 20 && size(3) <= 1 << 20)
    return l.set(l.b.add_node(Resize{ResizeMode::nearest, static_cast<int>(size(2)), static_cast<int>(size(3))}, {x}));
  for (int axis = 0; axis < s.rank(); ++axis)
    if (static_cast<int>(dims.size()) > s.rank() || size(axis) != s[axis])
      return l.unsupported("expands {} to {}", to_string(s), fmt::join(dims, "x"));
  return l.set(x);
}

Status tile(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const auto repeats, l.integers(1));
  if (repeats.size() != 4 || l.b.shape(x).rank() != 4 || repeats[0] != 1 || repeats[1] != 1 || repeats[2] < 1 ||
      repeats[3] < 1 || std::max(repeats[2], repeats[3]) > most_pixels_moved)
    return l.unsupported("repeats {} times {}; rows and columns of pictures can be repeated", to_string(l.b.shape(x)),
                         fmt::join(repeats, "x"));
  return l.set(l.b.repeat(x, static_cast<int>(repeats[2]), static_cast<int>(repeats[3])));
}

}  // namespace

std::span<const OnnxOp> onnx_shape_ops() {
  static constexpr OnnxOp ops[] = {{"Identity", pass_on},
                                   {"Dropout", pass_on},
                                   {"Cast", cast},
                                   {"Constant", constant},
                                   {"Reshape", reshape},
                                   {"Flatten", flatten},
                                   {"Squeeze", squeeze},
                                   {"Unsqueeze", unsqueeze},
                                   {"Transpose", transpose},
                                   {"Concat", concat},
                                   {"Slice", slice},
                                   {"Split", split},
                                   {"Gather", gather},
                                   {"Pad", pad},
                                   {"Resize", resize},
                                   {"DepthToSpace", depth_to_space},
                                   {"SpaceToDepth", space_to_depth},
                                   {"Expand", expand},
                                   {"Tile", tile}};
  return ops;
}

}  // namespace framelift
