// Shape arithmetic: what models compute from sizes is known when a graph is built for one size.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "weights/onnx/onnx_lowering.h"

namespace framelift {
namespace {

constexpr int64_t largest = 1 << 12;  // elements; what is longer is no shape

// A small tensor of integers or reals.
struct Numbers {
  Shape shape;
  bool real = false;
  std::vector<int64_t> integers;
  std::vector<double> reals;

  size_t size() const { return real ? reals.size() : integers.size(); }
  double at(size_t i) const { return real ? reals[i] : static_cast<double>(integers[i]); }
  void push(const Numbers& from, size_t i) {
    if (real)
      reals.push_back(from.at(i));
    else
      integers.push_back(from.integers[i]);
  }
};

Numbers like(const Numbers& x, Shape shape) { return {shape, x.real, {}, {}}; }

Numbers read(const Tensor& tensor) {
  Numbers n{tensor.shape(), tensor.dtype() != DType::i64, {}, {}};
  if (!n.real) {
    n.integers.assign(tensor.as<int64_t>(), tensor.as<int64_t>() + tensor.shape().elements());
  } else {
    const Tensor wide = tensor.to_f32();
    n.reals.assign(wide.f32().begin(), wide.f32().end());
  }
  return n;
}

Status store(OnnxLowering& l, const Numbers& n) {
  if (static_cast<int64_t>(n.size()) != n.shape.elements())
    return l.refuse(ErrorCode::invalid_data, "{} numbers make no {}", n.size(), to_string(n.shape));
  Tensor tensor(n.real ? DType::f32 : DType::i64, n.shape);
  if (n.real)
    std::ranges::transform(n.reals, tensor.as<float>(), [](double v) { return static_cast<float>(v); });
  else
    std::ranges::copy(n.integers, tensor.as<int64_t>());
  return l.set_known(std::move(tensor));
}

// ---- elementwise

int64_t quotient(int64_t a, int64_t b) {  // towards zero
  return b == 0 || (b == -1 && a == std::numeric_limits<int64_t>::min()) ? 0 : a / b;
}
int64_t modulo(int64_t a, int64_t b) {
  if (b == 0 || b == -1) return 0;
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
// Sums and products that wrap around instead of being undefined; sizes that do are refused where they are used.
int64_t wrapped(uint64_t v) { return static_cast<int64_t>(v); }

int64_t whole(double v) { return std::isnan(v) ? 0 : static_cast<int64_t>(std::clamp(v, -0x1p62, 0x1p62)); }

struct Arithmetic {
  std::string_view type;
  int64_t (*of_integers)(int64_t, int64_t);
  double (*of_reals)(double, double);
  bool compares = false;
};

constexpr Arithmetic arithmetic[] = {
    {"Add", [](int64_t a, int64_t b) { return wrapped(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); },
     [](double a, double b) { return a + b; }},
    {"Sub", [](int64_t a, int64_t b) { return wrapped(static_cast<uint64_t>(a) - static_cast<uint64_t>(b)); },
     [](double a, double b) { return a - b; }},
    {"Mul", [](int64_t a, int64_t b) { return wrapped(static_cast<uint64_t>(a) * static_cast<uint64_t>(b)); },
     [](double a, double b) { return a * b; }},
    {"Div", quotient, [](double a, double b) { return a / b; }},
    {"Mod", modulo, [](double a, double b) { return std::fmod(a, b); }},
    {"Min", [](int64_t a, int64_t b) { return std::min(a, b); }, [](double a, double b) { return std::min(a, b); }},
    {"Max", [](int64_t a, int64_t b) { return std::max(a, b); }, [](double a, double b) { return std::max(a, b); }},
    {"Pow", [](int64_t a, int64_t b) { return whole(std::pow(a, b)); },
     [](double a, double b) { return std::pow(a, b); }},
    {"Equal", [](int64_t a, int64_t b) { return int64_t{a == b}; }, [](double a, double b) { return double(a == b); },
     true},
    {"Less", [](int64_t a, int64_t b) { return int64_t{a < b}; }, [](double a, double b) { return double(a < b); },
     true},
    {"Greater", [](int64_t a, int64_t b) { return int64_t{a > b}; }, [](double a, double b) { return double(a > b); },
     true},
    {"And", [](int64_t a, int64_t b) { return int64_t{a != 0 && b != 0}; },
     [](double a, double b) { return double(a != 0 && b != 0); }, true},
    {"Or", [](int64_t a, int64_t b) { return int64_t{a != 0 || b != 0}; },
     [](double a, double b) { return double(a != 0 || b != 0); }, true},
};

struct Rounding {
  std::string_view type;
  double (*of)(double);
};
constexpr Rounding roundings[] = {{"Floor", [](double v) { return std::floor(v); }},
                                  {"Ceil", [](double v) { return std::ceil(v); }},
                                  {"Round", [](double v) { return std::nearbyint(v); }},
                                  {"Sqrt", [](double v) { return std::sqrt(v); }},
                                  {"Neg", [](double v) { return -v; }},
                                  {"Abs", [](double v) { return std::abs(v); }},
                                  {"Not", [](double v) { return double(v == 0); }}};

// The common shape of operands that are repeated to fit each other.
Result<Shape> common_shape(OnnxLowering& l, const std::vector<Numbers>& in) {
  Shape shape = in[0].shape;
  for (const Numbers& n : in) {
    const Shape& longer = n.shape.rank() > shape.rank() ? n.shape : shape;
    Shape both = longer;
    for (int i = 1; i <= longer.rank(); ++i) {
      const int64_t a = i <= shape.rank() ? shape[-i] : 1, b = i <= n.shape.rank() ? n.shape[-i] : 1;
      if (a != b && a != 1 && b != 1)
        return l.refuse(ErrorCode::invalid_data, "{} and {} do not fit", to_string(shape), to_string(n.shape));
      both.set_dim(-i, a == 1 ? b : a);
    }
    shape = both;
  }
  for (int64_t elements = 1, i = 0; i < shape.rank(); ++i) {
    const int64_t dim = shape[static_cast<int>(i)];
    if (dim > largest || (elements *= dim) > largest) return l.unsupported("makes {} of shapes", to_string(shape));
  }
  return shape;
}

// Index into an operand for index i of the common shape.
size_t source_index(const Shape& operand, const Shape& all, size_t i) {
  size_t index = 0, stride = 1;
  for (int axis = 1; axis <= all.rank(); ++axis) {
    const auto size = static_cast<size_t>(all[-axis]);
    if (axis <= operand.rank()) {
      if (operand[-axis] != 1) index += i % size * stride;
      stride *= static_cast<size_t>(operand[-axis]);
    }
    i /= size;
  }
  return index;
}

Status elementwise(OnnxLowering& l, const Arithmetic& op, const std::vector<Numbers>& in) {
  FL_TRY(const Shape shape, common_shape(l, in));
  Numbers result{shape, std::ranges::any_of(in, &Numbers::real), {}, {}};
  const auto count = static_cast<size_t>(shape.elements());
  for (size_t i = 0; i < count; ++i) {
    const auto at = [&](const Numbers& n) { return source_index(n.shape, shape, i); };
    if (result.real) {
      double v = in[0].at(at(in[0]));
      for (size_t k = 1; k < in.size(); ++k) v = op.of_reals(v, in[k].at(at(in[k])));
      result.reals.push_back(v);
    } else {
      int64_t v = in[0].integers[at(in[0])];
      for (size_t k = 1; k < in.size(); ++k) v = op.of_integers(v, in[k].integers[at(in[k])]);
      result.integers.push_back(v);
    }
  }
  if (op.compares && result.real) {
    std::ranges::transform(result.reals, std::back_inserter(result.integers), whole);
    result.real = false;
  }
  return store(l, result);
}

Status where(OnnxLowering& l, const std::vector<Numbers>& in) {
  if (in.size() != 3) return l.refuse(ErrorCode::invalid_data, "has {} inputs", in.size());
  FL_TRY(const Shape shape, common_shape(l, in));
  Numbers result{shape, in[1].real || in[2].real, {}, {}};
  for (size_t i = 0; i < static_cast<size_t>(shape.elements()); ++i) {
    const Numbers& from = in[0].at(source_index(in[0].shape, shape, i)) != 0 ? in[1] : in[2];
    result.push(from, source_index(from.shape, shape, i));
  }
  return store(l, result);
}

// ---- moving numbers

int64_t inner_of(const Shape& shape, int axis) {
  int64_t inner = 1;
  for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  return inner;
}

// Entries of one axis, whose place `dims` take.
Status take(OnnxLowering& l, const Numbers& x, int axis, const std::vector<int64_t>& entries,
            std::span<const int64_t> dims) {
  std::vector<int64_t> all(x.shape.dims().begin(), x.shape.dims().begin() + axis);
  all.insert(all.end(), dims.begin(), dims.end());
  all.insert(all.end(), x.shape.dims().begin() + axis + 1, x.shape.dims().end());
  const int64_t size = x.shape[axis], inner = inner_of(x.shape, axis);
  const int64_t outer = size * inner == 0 ? 0 : x.shape.elements() / (size * inner);
  if (all.size() > Shape::max_rank || static_cast<int64_t>(entries.size()) * outer * inner > largest)
    return l.unsupported("makes {} axes", all.size());
  Numbers result = like(x, Shape(all));
  for (int64_t o = 0; o < outer; ++o)
    for (const int64_t entry : entries)
      for (int64_t i = 0; i < inner; ++i) result.push(x, static_cast<size_t>((o * size + entry) * inner + i));
  return store(l, result);
}

Status gather(OnnxLowering& l, const std::vector<Numbers>& in) {
  if (in.size() != 2 || in[1].real) return l.refuse(ErrorCode::invalid_data, "has no indices");
  FL_TRY(const int64_t stated, l.integer("axis", 0));
  FL_TRY(const int axis, l.axis(stated, in[0].shape.rank()));
  std::vector<int64_t> entries = in[1].integers;
  const int64_t size = in[0].shape[axis];
  for (int64_t& entry : entries) {
    if (entry < -size || entry >= size) return l.refuse(ErrorCode::invalid_data, "takes entry {} of {}", entry, size);
    if (entry < 0) entry += size;
  }
  return take(l, in[0], axis, entries, in[1].shape.dims());
}

Status concat(OnnxLowering& l, const std::vector<Numbers>& in) {
  FL_TRY(const int64_t stated, l.integer("axis", 0));
  if (stated != 0 && stated != -1) return l.unsupported("joins numbers along axis {}", stated);
  Numbers result{{0}, std::ranges::any_of(in, &Numbers::real), {}, {}};
  for (const Numbers& n : in) {
    if (n.shape.rank() != 1) return l.unsupported("joins {}", to_string(n.shape));
    for (size_t i = 0; i < n.size(); ++i) result.push(n, i);
  }
  if (static_cast<int64_t>(result.size()) > largest) return l.unsupported("makes {} numbers", result.size());
  result.shape = {static_cast<int64_t>(result.size())};
  return store(l, result);
}

Status slice(OnnxLowering& l, const std::vector<Numbers>& in) {
  const auto number = [&](size_t k, int64_t fallback) {
    return k < in.size() && !in[k].real && in[k].size() == 1 ? in[k].integers[0] : fallback;
  };
  const Numbers& x = in[0];
  if (in.size() < 3 || in[1].size() != 1 || in[2].size() != 1)
    return l.unsupported("cuts {} in several axes", to_string(x.shape));
  FL_TRY(const int axis, l.axis(number(3, 0), x.shape.rank()));
  const int64_t size = x.shape[axis], step = number(4, 1);
  if (step == 0 || std::abs(step) > largest) return l.refuse(ErrorCode::invalid_data, "steps of {}", step);
  const auto within = [&](int64_t at, int64_t low, int64_t high) {
    return std::clamp(at < 0 ? std::max(at, -largest * 4) + size : at, low, high);
  };
  std::vector<int64_t> entries;
  if (step > 0) {
    for (int64_t i = within(number(1, 0), 0, size); i < within(number(2, 0), 0, size); i += step) entries.push_back(i);
  } else {
    for (int64_t i = within(number(1, 0), -1, size - 1); i > within(number(2, 0), -1, size - 1); i += step)
      entries.push_back(i);
  }
  const int64_t count[] = {static_cast<int64_t>(entries.size())};
  return take(l, x, axis, entries, count);
}

Status transpose(OnnxLowering& l, const Numbers& x) {
  const int rank = x.shape.rank();
  std::vector<int64_t> reversed(static_cast<size_t>(rank)), dims;
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  FL_TRY(const auto order, l.list("perm", reversed));
  if (!std::is_permutation(order.begin(), order.end(), reversed.begin(), reversed.end()))
    return l.refuse(ErrorCode::invalid_data, "perm is no order of {} axes", rank);
  for (const int64_t axis : order) dims.push_back(x.shape[static_cast<int>(axis)]);
  Numbers result = like(x, Shape(dims));
  for (int64_t i = 0; i < result.shape.elements(); ++i) {
    int64_t source = 0;
    for (int64_t rest = i, axis = rank - 1; axis >= 0; --axis) {
      const int64_t size = dims[static_cast<size_t>(axis)];
      source += rest % size * inner_of(x.shape, static_cast<int>(order[static_cast<size_t>(axis)]));
      rest /= size;
    }
    result.push(x, static_cast<size_t>(source));
  }
  return store(l, result);
}

Status with_shape(OnnxLowering& l, Numbers x, std::vector<int64_t> dims) {
  int64_t known = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0 && static_cast<int>(i) < x.shape.rank()) dims[i] = x.shape[static_cast<int>(i)];
    if (dims[i] < -1 || dims[i] > largest) return l.refuse(ErrorCode::invalid_data, "{} is no size", dims[i]);
    if (dims[i] >= 0 && (known *= dims[i]) > largest) return l.unsupported("makes {} numbers", known);
  }
  for (int64_t& dim : dims)
    if (dim == -1) dim = known == 0 ? 0 : static_cast<int64_t>(x.size()) / known;
  if (dims.size() > Shape::max_rank) return l.unsupported("makes {} axes", dims.size());
  x.shape = Shape(dims);
  return store(l, x);
}

Status add_axes(OnnxLowering& l, const Numbers& x) {
  FL_TRY(auto at, l.axes(1, {}));
  std::vector<int64_t> dims(x.shape.dims().begin(), x.shape.dims().end());
  if (at.size() + dims.size() > Shape::max_rank) return l.unsupported("makes too many axes");
  const int rank = static_cast<int>(dims.size() + at.size());
  for (int64_t& axis : at) {
    FL_TRY(axis, l.axis(axis, rank));
  }
  std::ranges::sort(at);
  for (const int64_t axis : at) {
    if (axis > static_cast<int64_t>(dims.size())) return l.refuse(ErrorCode::invalid_data, "names an axis twice");
    dims.insert(dims.begin() + axis, 1);
  }
  return with_shape(l, x, std::move(dims));
}

Status drop_axes(OnnxLowering& l, Numbers x) {
  FL_TRY(const auto axes, l.axes(1, axes_of_one(x.shape)));
  std::vector<bool> dropped(static_cast<size_t>(x.shape.rank()));
  for (const int64_t stated : axes) {
    FL_TRY(const int axis, l.axis(stated, x.shape.rank()));
    dropped[static_cast<size_t>(axis)] = true;
  }
  std::vector<int64_t> dims;
  for (int i = 0; i < x.shape.rank(); ++i)
    if (!dropped[static_cast<size_t>(i)]) dims.push_back(x.shape[i]);
  x.shape = Shape(dims);
  return store(l, x);
}

Status filled(OnnxLowering& l, const Numbers& dims) {
  if (dims.real) return l.refuse(ErrorCode::invalid_data, "has no shape");
  Numbers value{{1}, true, {}, {0}};
  if (const auto found = l.node().attributes.find("value"); found != l.node().attributes.end())
    if (const auto* tensor = std::get_if<std::shared_ptr<const Tensor>>(&found->second))
      if ((*tensor)->shape().elements() == 1) value = read(**tensor);
  int64_t count = 1;
  for (const int64_t dim : dims.integers)
    if (dim < 0 || dim > largest || (count *= dim) > largest) return l.unsupported("makes a tensor that is no shape");
  if (dims.size() > Shape::max_rank) return l.unsupported("makes {} axes", dims.size());
  Numbers result = like(value, Shape(dims.integers));
  for (int64_t i = 0; i < count; ++i) result.push(value, 0);
  return store(l, result);
}

Status range(OnnxLowering& l, const std::vector<Numbers>& in) {
  for (const Numbers& n : in)
    if (n.size() != 1) return l.refuse(ErrorCode::invalid_data, "has no start, end and step");
  if (in.size() != 3 || in[2].at(0) == 0) return l.refuse(ErrorCode::invalid_data, "has no start, end and step");
  const double count = std::ceil((in[1].at(0) - in[0].at(0)) / in[2].at(0));
  if (!(count <= static_cast<double>(largest))) return l.unsupported("makes {} numbers", count);
  Numbers result{{whole(std::max(count, 0.0))}, in[0].real, {}, {}};
  for (int64_t i = 0; i < result.shape[0]; ++i) {
    const double v = in[0].at(0) + static_cast<double>(i) * in[2].at(0);
    if (result.real)
      result.reals.push_back(v);
    else
      result.integers.push_back(whole(v));
  }
  return store(l, result);
}

Status cast(OnnxLowering& l, const Numbers& x) {
  FL_TRY(const int64_t to, l.integer("to", 0));
  constexpr int64_t to_bool = 9;
  Numbers result{x.shape, to == 1 || to == 10 || to == 11 || to == 16, {}, {}};
  for (size_t i = 0; i < x.size(); ++i) {
    if (result.real)
      result.reals.push_back(x.at(i));
    else if (to == to_bool)
      result.integers.push_back(x.at(i) != 0);
    else if (!x.real)
      result.integers.push_back(x.integers[i]);
    else
      result.integers.push_back(whole(x.reals[i]));
  }
  return store(l, result);
}

Status product(OnnxLowering& l, const Numbers& x) {
  int64_t all = 1;
  for (const int64_t v : x.integers)
    if (__builtin_mul_overflow(all, v, &all)) return l.refuse(ErrorCode::invalid_data, "multiplies beyond 64 bits");
  FL_TRY(const int64_t keep, l.integer("keepdims", 1));
  if (x.real || x.shape.rank() != 1) return l.unsupported("multiplies other things than a shape");
  return store(l, {keep != 0 ? Shape{1} : Shape{}, false, {all}, {}});
}

Status shape_of(OnnxLowering& l) {
  FL_TRY(const Shape shape, l.shape(0));
  std::vector<int64_t> dims(shape.dims().begin(), shape.dims().end());
  if (l.node().type == "Size") return store(l, {{}, false, {shape.elements()}, {}});
  FL_TRY(const int64_t stated_begin, l.integer("start", 0));
  FL_TRY(const int64_t stated_end, l.integer("end", static_cast<int64_t>(dims.size())));
  const auto rank = static_cast<int64_t>(dims.size());
  const auto within = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? std::max(at, -rank) + rank : at, 0, rank);
  };
  const int64_t begin = within(stated_begin), end = std::max(within(stated_end), begin);
  dims = {dims.begin() + begin, dims.begin() + end};
  return store(l, {{static_cast<int64_t>(dims.size())}, false, dims, {}});
}

Result<bool> done(const Status& status) {
  if (!status) return fail(status.error());
  return true;
}

}  // namespace

Result<bool> fold_onnx_node(OnnxLowering& l) {
  const std::string_view type = l.node().type;
  if (type == "Shape" || type == "Size") return done(shape_of(l));
  std::vector<Numbers> in;
  for (size_t k = 0; k < l.node().inputs.size(); ++k) {
    const auto tensor = l.known(k);
    // Weights are what the graph folds.
    if (!tensor || tensor->shape().elements() > largest) return false;
    in.push_back(read(*tensor));
  }
  if (in.empty()) return false;
  // Floating-point tensors of the file alone are weights, too, whatever is done to them.
  const bool of_weights = std::ranges::all_of(in, &Numbers::real) &&
                          std::ranges::any_of(in, [](const Numbers& n) { return n.size() > 16; });
  if (of_weights) return false;

  for (const Arithmetic& op : arithmetic)
    if (op.type == type) return done(elementwise(l, op, in));
  for (const Rounding& op : roundings)
    if (op.type == type) {
      Numbers result = in[0];
      for (double& v : result.reals) v = op.of(v);
      for (int64_t& v : result.integers) v = whole(op.of(static_cast<double>(v)));
      return done(store(l, result));
    }
  if (type == "Where") return done(where(l, in));
  if (type == "Gather") return done(gather(l, in));
  if (type == "Concat") return done(concat(l, in));
  if (type == "Slice") return done(slice(l, in));
  if (type == "Transpose") return done(transpose(l, in[0]));
  if (type == "Unsqueeze") return done(add_axes(l, in[0]));
  if (type == "Squeeze") return done(drop_axes(l, in[0]));
  if (type == "Reshape" && in.size() == 2) return done(with_shape(l, in[0], in[1].integers));
  if (type == "ConstantOfShape") return done(filled(l, in[0]));
  if (type == "Range") return done(range(l, in));
  if (type == "Cast") return done(cast(l, in[0]));
  if (type == "ReduceProd") return done(product(l, in[0]));
  return false;
}

}  // namespace framelift
