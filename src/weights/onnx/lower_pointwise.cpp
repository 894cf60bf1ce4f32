#include <cmath>
#include <limits>
#include <numbers>

#include "weights/onnx/onnx_lowering.h"

namespace framelift {
namespace {

constexpr float no_limit = std::numeric_limits<float>::max();

template <class IrOp>
Status unary(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  return l.set(l.b.add_node(IrOp{}, {x}));
}

Status leaky_relu(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const double slope, l.real("alpha", 0.01));
  return l.set(l.b.leaky_relu(x, static_cast<float>(slope)));
}

Status prelu(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(ValueId slope, l.value(1));
  const Shape picture = l.b.shape(x), s = l.b.shape(slope);
  // One slope per channel stands as [C,1,1] so that it broadcasts.
  const bool per_channel = picture.rank() == 4 && s.rank() >= 3 && s[-3] == s.elements() && s[-3] == picture[1];
  if (!per_channel && s.elements() != 1) return l.unsupported("slopes {} are not one per channel", to_string(s));
  if (s.rank() != 1) slope = l.b.reshape(slope, {s.elements()});
  return l.set(l.b.add_node(PRelu{}, {x, slope}));
}

Status clip(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  double low = -no_limit, high = no_limit;
  if (l.has(1)) {
    FL_TRY(low, l.scalar(1));
  }
  if (l.has(2)) {
    FL_TRY(high, l.scalar(2));
  }
  return l.set(l.b.clamp(x, static_cast<float>(low), static_cast<float>(high)));
}

// Min and Max with one number.
Status limit(OnnxLowering& l) {
  const bool is_max = l.node().type == "Max";
  for (size_t k = 0; k < 2 && l.node().inputs.size() == 2; ++k)
    if (const auto bound = l.scalar_if_known(1 - k)) {
      FL_TRY(const ValueId x, l.value(k));
      const auto number = static_cast<float>(*bound);
      return l.set(is_max ? l.b.clamp(x, number, no_limit) : l.b.clamp(x, -no_limit, number));
    }
  return l.unsupported("is understood with one constant number");
}

Status selu(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const double alpha, l.real("alpha", 1.6732632423543772));
  FL_TRY(const double gamma, l.real("gamma", 1.0507009873554805));
  if (std::abs(alpha - 1.6732632423543772) > 1e-5 || std::abs(gamma - 1.0507009873554805) > 1e-5)
    return l.unsupported("alpha {} and gamma {} are not the usual ones", alpha, gamma);
  return l.set(l.b.selu(x));
}

// x > 0 ? x : alpha * (e^x - 1), whose negative half is that of SELU.
Status elu(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const double alpha, l.real("alpha", 1));
  constexpr double of_selu = 1.0507009873554805 * 1.6732632423543772;
  const ValueId below = l.b.selu(l.b.clamp(x, -no_limit, 0));
  return l.set(l.b.add(l.b.relu(x), l.b.scale(below, static_cast<float>(alpha / of_selu))));
}

Status hard_sigmoid(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const double alpha, l.real("alpha", 0.2));
  FL_TRY(const double beta, l.real("beta", 0.5));
  const ValueId shift = l.b.constant(Tensor::filled({1}, static_cast<float>(beta)));
  return l.set(l.b.clamp(l.b.add(l.b.scale(x, static_cast<float>(alpha)), shift), 0, 1));
}

// x * tanh(softplus(x)) (Misra, 2019)
Status mish(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  return l.set(l.b.mul(x, l.b.tanh(l.b.softplus(x))));
}

Status gelu(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const std::string_view approximation, l.text("approximate", "none"));
  if (approximation == "none") return l.set(l.b.gelu(x));
  if (approximation != "tanh") return l.unsupported("approximation {} is not known", approximation);
  // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
  const auto number = [&](double v) { return l.b.constant(Tensor::filled({1}, static_cast<float>(v))); };
  const ValueId cubic = l.b.mul(x, l.b.add(number(1), l.b.scale(l.b.mul(x, x), 0.044715f)));
  const ValueId inside = l.b.tanh(l.b.mul(cubic, number(std::sqrt(2 / std::numbers::pi))));
  return l.set(l.b.mul(l.b.scale(x, 0.5f), l.b.add(inside, number(1))));
}

Status pow(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  FL_TRY(const double exponent, l.scalar(1));
  if (exponent == 2) return l.set(l.b.mul(x, x));
  return l.set(l.b.pow(x, static_cast<float>(exponent)));
}

Status square_root(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  return l.set(l.b.pow(x, 0.5f));
}

Status reciprocal(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  return l.set(l.b.div(l.b.constant(Tensor::filled({1}, 1)), x));
}

Status negate(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  return l.set(l.b.scale(x, -1));
}

// The IR has log(1 + x), which exporters write as Add and Log.
Status logarithm(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  const auto found = l.plus_one.find(x);
  const ValueId less_one =
      found != l.plus_one.end() ? found->second : l.b.add(x, l.b.constant(Tensor::filled({1}, -1)));
  return l.set(l.b.log1p(less_one));
}

// ---- arithmetic, and the GELU that is written out in it

Status error_function(OnnxLowering& l) {
  FL_TRY(const ValueId x, l.value(0));
  const auto scaled = l.scaled.find(x);
  if (scaled == l.scaled.end() || std::abs(scaled->second.second * std::numbers::sqrt2 - 1) > 1e-4)
    return l.unsupported("is understood as a part of GELU, of x / sqrt(2)");
  l.erf_terms[l.node().outputs.at(0)] = {scaled->second.first};
  return {};
}

const ErfTerm* erf_term(const OnnxLowering& l, size_t k) {
  const auto found = l.has(k) ? l.erf_terms.find(l.node().inputs[k]) : l.erf_terms.end();
  return found == l.erf_terms.end() ? nullptr : &found->second;
}

// erf + 1, times x, times numbers, in any order.
Status continue_gelu(OnnxLowering& l, size_t k) {
  ErfTerm term = *erf_term(l, k);
  const size_t other = 1 - k;
  const auto number = l.scalar_if_known(other);
  const std::string& type = l.node().type;
  if (type == "Add" && number == 1.0 && !term.plus_one && term.gain == 1) {
    term.plus_one = true;
  } else if (type == "Mul" && number && term.plus_one) {
    term.gain *= *number;
  } else if (type == "Div" && k == 0 && number && *number != 0 && term.plus_one) {
    term.gain /= *number;
  } else if (type == "Mul" && !number && term.plus_one && !term.with_x) {
    FL_TRY(const ValueId y, l.value(other));
    const auto scaled = l.scaled.find(y);
    if (y != term.x && (scaled == l.scaled.end() || scaled->second.first != term.x))
      return l.unsupported("the error function before it belongs to no GELU");
    if (y != term.x) term.gain *= scaled->second.second;
    term.with_x = true;
  } else {
    return l.unsupported("the error function before it belongs to no GELU");
  }
  // Numbers that follow are factors of the GELU; one half belongs to it.
  if (term.with_x && std::abs(term.gain - 0.5) < 1e-6) return l.set(l.b.gelu(term.x));
  l.erf_terms[l.node().outputs.at(0)] = term;
  return {};
}

template <class IrOp>
Status binary(OnnxLowering& l) {
  for (size_t k = 0; k < 2; ++k)
    if (erf_term(l, k)) return continue_gelu(l, k);
  const auto number = l.scalar_if_known(1);
  FL_TRY(const ValueId a, l.value(0));
  FL_TRY(const ValueId b, l.value(1));
  const ValueId y = l.b.add_node(IrOp{}, {a, b});
  if constexpr (std::is_same_v<IrOp, Mul>) {
    if (number) l.scaled[y] = {a, *number};
    if (const auto first = l.scalar_if_known(0)) l.scaled[y] = {b, *first};
  } else if constexpr (std::is_same_v<IrOp, Div>) {
    if (number && *number != 0) l.scaled[y] = {a, 1 / *number};
  } else if constexpr (std::is_same_v<IrOp, Add>) {
    if (number == 1.0) l.plus_one[y] = a;
    if (l.scalar_if_known(0) == 1.0) l.plus_one[y] = b;
  }
  return l.set(y);
}

}  // namespace

std::span<const OnnxOp> onnx_pointwise_ops() {
  static constexpr OnnxOp ops[] = {{"Relu", unary<Relu>},
                                   {"LeakyRelu", leaky_relu},
                                   {"PRelu", prelu},
                                   {"Clip", clip},
                                   {"Min", limit},
                                   {"Max", limit},
                                   {"Sigmoid", unary<Sigmoid>},
                                   {"Tanh", unary<Tanh>},
                                   {"Softplus", unary<Softplus>},
                                   {"HardSwish", unary<HardSwish>},
                                   {"HardSigmoid", hard_sigmoid},
                                   {"Selu", selu},
                                   {"Elu", elu},
                                   {"Mish", mish},
                                   {"Gelu", gelu},
                                   {"Erf", error_function},
                                   {"Abs", unary<Abs>},
                                   {"Neg", negate},
                                   {"Sqrt", square_root},
                                   {"Pow", pow},
                                   {"Reciprocal", reciprocal},
                                   {"Log", logarithm},
                                   {"Add", binary<Add>},
                                   {"Sub", binary<Sub>},
                                   {"Mul", binary<Mul>},
                                   {"Div", binary<Div>}};
  return ops;
}

}  // namespace framelift
