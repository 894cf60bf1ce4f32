#include "weights/onnx/lower_onnx.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "weights/onnx/onnx_lowering.h"

namespace framelift {
namespace {

constexpr int64_t most_known_numbers = 1 << 16;  // of what is looked into, not of weights

constexpr size_t most_slices = 1 << 12;

// Numbers of a known tensor, widened.
template <class T>
std::vector<T> numbers_of(const Tensor& tensor) {
  std::vector<T> numbers(static_cast<size_t>(tensor.shape().elements()));
  if (tensor.dtype() == DType::i64) {
    std::transform(tensor.as<int64_t>(), tensor.as<int64_t>() + numbers.size(), numbers.begin(),
                   [](int64_t v) { return static_cast<T>(v); });
  } else {
    const Tensor wide = tensor.to_f32();
    std::ranges::transform(wide.f32(), numbers.begin(), [](float v) { return static_cast<T>(v); });
  }
  return numbers;
}

const OnnxOp* find_op(std::string_view type) {
  for (const auto ops : {onnx_layer_ops(), onnx_pointwise_ops(), onnx_shape_ops()}) {
    const auto found = std::ranges::find(ops, type, &OnnxOp::type);
    if (found != ops.end()) return &*found;
  }
  return nullptr;
}

}  // namespace

// ---- operands

const OnnxValue* OnnxLowering::find(size_t k) const {
  if (!has(k)) return nullptr;
  const auto found = values_.find(node_->inputs[k]);
  return found == values_.end() ? nullptr : &found->second;
}

Result<ValueId> OnnxLowering::result(const std::string& name) {
  const auto found = values_.find(name);
  if (found == values_.end()) return fail(ErrorCode::invalid_data, "{}: {} is never computed", model_.file, name);
  OnnxValue& value = found->second;
  if (value.id != no_value) return value.id;
  if (!value.known) return fail(ErrorCode::unsupported, "{}: {} is no picture", model_.file, name);
  const Tensor& tensor = *value.known;
  if (tensor.shape().elements() == 0)
    return fail(ErrorCode::unsupported, "{}: tensor {} has no elements", model_.file, name);
  if (!value.parameter.empty() && tensor.shape().rank() > 0) {
    value.id = b.parameter(value.parameter, tensor.shape());
  } else {
    Tensor constant = tensor.to_f32();
    const Shape shape = constant.shape().rank() == 0 ? Shape{1} : constant.shape();
    value.id = b.constant(std::move(constant).reshaped(shape));
  }
  return value.id;
}

Result<ValueId> OnnxLowering::value(size_t k) {
  if (!has(k)) return refuse(ErrorCode::invalid_data, "has no input {}", k);
  const std::string& name = node_->inputs[k];
  if (!values_.contains(name)) {
    if (rearranged.contains(name)) return unsupported("the transposition of more than four axes before it");
    if (erf_terms.contains(name)) return unsupported("the error function before it belongs to no GELU");
    return refuse(ErrorCode::invalid_data, "its input {} is not computed before it", name);
  }
  auto id = result(name);
  if (!id) return refuse(id.error().code, "input {} has no elements, or is no number", name);
  return id;
}

std::shared_ptr<const Tensor> OnnxLowering::known(size_t k) const {
  const OnnxValue* value = find(k);
  return value ? value->known : nullptr;
}

Result<std::vector<int64_t>> OnnxLowering::integers(size_t k) const {
  const auto tensor = known(k);
  if (!tensor) return unsupported("input {} depends on the picture itself", has(k) ? node_->inputs[k] : "");
  if (tensor->shape().elements() > most_known_numbers) return unsupported("input {} is too long", node_->inputs[k]);
  if (tensor->dtype() != DType::i64)
    return refuse(ErrorCode::invalid_data, "input {} is no integers", node_->inputs[k]);
  return numbers_of<int64_t>(*tensor);
}

Result<std::vector<double>> OnnxLowering::reals(size_t k) const {
  const auto tensor = known(k);
  if (!tensor) return unsupported("input {} depends on the picture itself", has(k) ? node_->inputs[k] : "");
  if (tensor->shape().elements() > most_known_numbers) return unsupported("input {} is too long", node_->inputs[k]);
  return numbers_of<double>(*tensor);
}

Result<double> OnnxLowering::scalar(size_t k) const {
  FL_TRY(const auto numbers, reals(k));
  if (numbers.size() != 1)
    return unsupported("input {} holds {} numbers where one is expected", node_->inputs[k], numbers.size());
  return numbers[0];
}

std::optional<double> OnnxLowering::scalar_if_known(size_t k) const {
  const auto tensor = known(k);
  if (!tensor || tensor->shape().elements() != 1) return std::nullopt;
  return numbers_of<double>(*tensor)[0];
}

Result<Shape> OnnxLowering::shape(size_t k) const {
  const OnnxValue* value = find(k);
  if (value && value->id != no_value) return b.shape(value->id);
  if (value && value->known) return value->known->shape();
  return unsupported("the shape of input {} is not known", has(k) ? node_->inputs[k] : "");
}

// ---- attributes

namespace {

template <class T>
Result<T> attribute_of(const OnnxLowering& l, std::string_view name, T fallback) {
  const auto found = l.node().attributes.find(name);
  if (found == l.node().attributes.end()) return fallback;
  if (const T* value = std::get_if<T>(&found->second)) return *value;
  return l.refuse(ErrorCode::invalid_data, "attribute {} is of another kind", name);
}

}  // namespace

Result<int64_t> OnnxLowering::integer(std::string_view attribute, int64_t fallback) const {
  return attribute_of(*this, attribute, fallback);
}
Result<double> OnnxLowering::real(std::string_view attribute, double fallback) const {
  FL_TRY(const float value, attribute_of(*this, attribute, static_cast<float>(fallback)));
  return has_attribute(attribute) ? double{value} : fallback;
}
Result<std::string_view> OnnxLowering::text(std::string_view attribute, std::string_view fallback) const {
  const auto found = node_->attributes.find(attribute);
  if (found == node_->attributes.end()) return fallback;
  if (const auto* value = std::get_if<std::string>(&found->second)) return *value;
  return refuse(ErrorCode::invalid_data, "attribute {} is of another kind", attribute);
}
Result<std::vector<int64_t>> OnnxLowering::list(std::string_view attribute, std::vector<int64_t> fallback) const {
  return attribute_of(*this, attribute, std::move(fallback));
}

Result<int> OnnxLowering::axis(int64_t axis, int rank) const {
  if (axis < -rank || axis >= rank) return refuse(ErrorCode::invalid_data, "axis {} is not one of {} axes", axis, rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Result<std::vector<int64_t>> OnnxLowering::axes(size_t k, std::vector<int64_t> fallback) const {
  return has(k) ? integers(k) : list("axes", std::move(fallback));
}

std::vector<int64_t> axes_of_one(const Shape& shape) {
  std::vector<int64_t> axes;
  for (int i = 0; i < shape.rank(); ++i)
    if (shape[i] == 1) axes.push_back(i);
  return axes;
}

// ---- results

Status OnnxLowering::set_value(const OnnxValue& value, size_t output) {
  if (output >= node_->outputs.size()) return refuse(ErrorCode::invalid_data, "has no output {}", output);
  const std::string& name = node_->outputs[output];
  if (name.empty() || given_->contains(name)) return {};
  if (!values_.emplace(name, value).second) return refuse(ErrorCode::invalid_data, "computes {} again", name);
  return {};
}
Status OnnxLowering::set(ValueId id, size_t output) { return set_value({nullptr, {}, id}, output); }
Status OnnxLowering::set_known(Tensor tensor, size_t output) {
  return set_value({std::make_shared<const Tensor>(std::move(tensor)), {}, no_value}, output);
}

Status OnnxLowering::lower(const OnnxNode& node) {
  node_ = &node;
  for (size_t k = 0; k < node.inputs.size(); ++k) {  // tensors of the file appear where they are first used
    const auto tensor = model_.tensors.find(node.inputs[k]);
    if (tensor != model_.tensors.end()) values_.emplace(tensor->first, OnnxValue{tensor->second, tensor->first});
  }
  FL_TRY(const bool folded, fold_onnx_node(*this));
  if (folded) return {};
  const OnnxOp* op = find_op(node.type);
  if (op == nullptr) return unsupported("framelift has no such operator");
  FL_CHECK(op->lower(*this));
  if (const Status& status = b.status(); !status) return refuse(status.error().code, "{}", status.error().message);
  return {};
}

// ---- ops of several nodes

Result<ValueId> OnnxLowering::select_channels(ValueId x, std::vector<int64_t> order) {
  if (const auto before = selected.find(x); before != selected.end()) {
    for (int64_t& channel : order) channel = before->second.second[static_cast<size_t>(channel)];
    x = before->second.first;
  }
  std::vector<int64_t> all(static_cast<size_t>(b.shape(x)[1]));
  std::iota(all.begin(), all.end(), 0);
  if (order == all) return x;
  std::vector<ValueId> parts;
  for (size_t i = 0; i < order.size();) {
    size_t end = i + 1;
    while (end < order.size() && order[end] == order[end - 1] + 1) ++end;
    if (parts.size() == most_slices) return unsupported("reorders the channels of {}", to_string(b.shape(x)));
    parts.push_back(b.slice(x, 1, order[i], order[end - 1] + 1));
    i = end;
  }
  const ValueId y = parts.size() == 1 ? parts[0] : b.concat(std::move(parts));
  selected[y] = {x, std::move(order)};
  return y;
}

// ---- the model

Result<std::vector<ValueId>> lower_onnx(const OnnxModel& model, GraphBuilder& builder,
                                        const std::map<std::string, ValueId>& given,
                                        std::span<const std::string> wanted) {
  // Backwards: which nodes have a part in what is wanted.
  std::set<std::string_view> open(wanted.begin(), wanted.end());
  std::vector<bool> needed(model.nodes.size());
  for (size_t i = model.nodes.size(); i-- > 0;) {
    const OnnxNode& node = model.nodes[i];
    needed[i] = std::ranges::any_of(
        node.outputs, [&](const std::string& name) { return open.contains(name) && !given.contains(name); });
    if (needed[i]) open.insert(node.inputs.begin(), node.inputs.end());
  }
  OnnxLowering lowering(model, builder);
  lowering.set_given(given);
  for (size_t i = 0; i < model.nodes.size(); ++i)
    if (needed[i]) FL_CHECK(lowering.lower(model.nodes[i]));
  std::vector<ValueId> results;
  for (const std::string& name : wanted) {
    FL_TRY(const ValueId id, lowering.result(name));
    results.push_back(id);
  }
  return results;
}

}  // namespace framelift
