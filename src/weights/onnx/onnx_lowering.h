// What the lowering of one node sees: its operands and attributes, the graph under construction, and what is known of
// values made before. Internal to weights/onnx.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "weights/onnx/onnx_model.h"

namespace framelift {

// A value of the model: known now (a tensor of the file, folded shape arithmetic) or computed by the graph, or both.
struct OnnxValue {
  std::shared_ptr<const Tensor> known;  // i64, or floating-point
  std::string parameter;                // the graph's name for `known`, of tensors of the file
  ValueId id = no_value;
};

// A picture seen through several axes, which the IR's four-axis ops cannot hold: Reshape to `split`, then Transpose by
// `order`; the Reshape that follows says what it is.
struct Rearranged {
  ValueId source = no_value;
  Shape split;
  std::vector<int64_t> order;
};

// gain * x^with_x * (1 + erf(x / sqrt(2))), the inside of a GELU that exporters write out.
struct ErfTerm {
  ValueId x = no_value;
  double gain = 1;
  bool plus_one = false, with_x = false;
};

class OnnxLowering {
 public:
  OnnxLowering(const OnnxModel& model, GraphBuilder& builder) : b(builder), model_(model) {}

  // `given`: values of the model that are in the graph already; nodes that compute them too are passed over.
  void set_given(const std::map<std::string, ValueId>& given) {
    for (const auto& [name, id] : given) values_[name] = {nullptr, {}, id};
    given_ = &given;
  }
  Status lower(const OnnxNode& node);
  // The graph's value for a name that has been lowered or is given.
  Result<ValueId> result(const std::string& name);

  // ---- of the node at hand

  template <class... Args>
  tl::unexpected<Error> refuse(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) const {
    return fail(code, "{}: node {} ({}): {}", model_.file, node_->name, node_->type,
                fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  tl::unexpected<Error> unsupported(fmt::format_string<Args...> format, Args&&... args) const {
    return refuse(ErrorCode::unsupported, format, std::forward<Args>(args)...);
  }

  const OnnxNode& node() const { return *node_; }
  int64_t opset() const { return model_.opset; }
  bool has(size_t k) const { return k < node_->inputs.size() && !node_->inputs[k].empty(); }
  // Input k as a value of the graph; a tensor of the file becomes a parameter.
  Result<ValueId> value(size_t k);
  // Input k where it is known now, else null.
  std::shared_ptr<const Tensor> known(size_t k) const;
  // The numbers of input k, which must be known.
  Result<std::vector<int64_t>> integers(size_t k) const;
  Result<std::vector<double>> reals(size_t k) const;
  Result<double> scalar(size_t k) const;
  // The one number that input k is, if it is known and one.
  std::optional<double> scalar_if_known(size_t k) const;
  Result<Shape> shape(size_t k) const;

  Result<int64_t> integer(std::string_view attribute, int64_t fallback) const;
  Result<double> real(std::string_view attribute, double fallback) const;
  Result<std::string_view> text(std::string_view attribute, std::string_view fallback) const;
  Result<std::vector<int64_t>> list(std::string_view attribute, std::vector<int64_t> fallback) const;
  bool has_attribute(std::string_view attribute) const { return node_->attributes.contains(attribute); }
  // An axis counted from the end when negative, as one of `rank`.
  Result<int> axis(int64_t axis, int rank) const;
  // Those of ops whose axes were an attribute once and are input k now.
  Result<std::vector<int64_t>> axes(size_t k, std::vector<int64_t> fallback) const;

  Status set(ValueId id, size_t output = 0);
  Status set_known(Tensor tensor, size_t output = 0);
  Status set_value(const OnnxValue& value, size_t output = 0);
  const OnnxValue* find(size_t k) const;

  // ---- ops of several nodes, and what is remembered to see through them

  // Channel i of the result is channel order[i] of x. Refused where that takes more slices than any shuffle of a real
  // network.
  Result<ValueId> select_channels(ValueId x, std::vector<int64_t> order);

  GraphBuilder& b;
  std::map<ValueId, ValueId> reshaped;                                   // result: source
  std::map<ValueId, std::pair<ValueId, std::vector<int64_t>>> selected;  // result: source, order of channels
  std::map<ValueId, std::pair<ValueId, double>> scaled;                  // result: source, factor
  std::map<ValueId, ValueId> plus_one;                                   // result: source
  std::map<std::string, Rearranged> rearranged;                          // by the model's name
  std::map<std::string, ErfTerm> erf_terms;                              // by the model's name

 private:
  const OnnxModel& model_;
  const OnnxNode* node_ = nullptr;
  const std::map<std::string, ValueId>* given_ = nullptr;
  std::map<std::string, OnnxValue, std::less<>> values_;
};

// How a type of node is lowered.
struct OnnxOp {
  std::string_view type;
  Status (*lower)(OnnxLowering& l);
};
std::span<const OnnxOp> onnx_layer_ops();      // with weights or windows
std::span<const OnnxOp> onnx_pointwise_ops();  // each element by itself
std::span<const OnnxOp> onnx_shape_ops();      // that move elements

// The axes that Squeeze drops where it names none.
std::vector<int64_t> axes_of_one(const Shape& shape);

// Computes a node whose operands are all known now and small, as shape arithmetic is. True if it did.
Result<bool> fold_onnx_node(OnnxLowering& l);

}  // namespace framelift
