#include "network/tensor_names.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

namespace framelift {

namespace {

bool is_floating_point(DType type) {
  return type == DType::f32 || type == DType::f16 || type == DType::bf16 || type == DType::f64;
}

Result<Tensor> checked_copy(const WeightFile& file, const RenamedTensor& source, const Shape& shape) {
  const std::string path = file.path.string();
  if (source.tensor->shape() != shape)
    return fail(ErrorCode::invalid_data, "{}: tensor {} has shape {}, expected {}", path, source.original,
                to_string(source.tensor->shape()), to_string(shape));
  if (!is_floating_point(source.tensor->dtype()))
    return fail(ErrorCode::unsupported, "{}: tensor {} has type {}; use the float model", path, source.original,
                to_string(source.tensor->dtype()));
  Tensor copy = source.tensor->to_f32();
  if (!std::ranges::all_of(copy.f32(), [](float v) { return std::isfinite(v); }))
    return fail(ErrorCode::invalid_data, "{}: tensor {} contains NaN or infinity; the file is damaged", path,
                source.original);
  return copy;
}

}  // namespace

std::string_view without_module_prefix(std::string_view name) {
  take_prefix(name, "module.");
  return name;
}

std::optional<int> take_number(std::string_view& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

const Tensor* find_tensor(const std::vector<RenamedTensor>& tensors, std::string_view name) {
  const auto found = std::ranges::find(tensors, name, &RenamedTensor::name);
  return found == tensors.end() ? nullptr : found->tensor;
}

Result<std::vector<RenamedTensor>> name_by_order(const WeightFile& file, const Graph& graph) {
  std::vector<RenamedTensor> renamed;
  for (const auto& [name, tensor] : file.tensors) renamed.push_back({{}, name, &tensor});
  size_t next = 0;
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    if (next == renamed.size())
      return fail(ErrorCode::invalid_data, "{}: has no weights for {}; the graph is not complete", file.path.string(),
                  value.name);
    renamed[next++].name = value.name;
  }
  return renamed;
}

Result<Parameters> bind_tensors(const WeightFile& file, const std::vector<RenamedTensor>& tensors, const Graph& graph) {
  std::map<std::string_view, const RenamedTensor*> by_name;
  for (const RenamedTensor& tensor : tensors) {
    if (!tensor.name.empty() && !by_name.emplace(tensor.name, &tensor).second)
      return fail(ErrorCode::invalid_data, "{}: tensors {} and {} mean the same weights", file.path.string(),
                  by_name[tensor.name]->original, tensor.original);
  }
  Parameters parameters;
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    const auto found = by_name.find(value.name);
    if (found == by_name.end())
      return fail(ErrorCode::invalid_data, "{}: tensor {} is missing; the file is not complete", file.path.string(),
                  value.name);
    FL_TRY(auto tensor, checked_copy(file, *found->second, value.shape));
    parameters.emplace(value.name, std::move(tensor));
  }
  for (const RenamedTensor& tensor : tensors) {
    if (!parameters.contains(tensor.name))
      return fail(ErrorCode::unsupported, "{}: tensor {} does not belong to this network; a variant that is not known",
                  file.path.string(), tensor.original);
  }
  return parameters;
}

Result<Parameters> bind_state_dict(const WeightFile& file, std::initializer_list<const Graph*> graphs) {
  Graph all;
  for (const Graph* graph : graphs) all.values.insert(all.values.end(), graph->values.begin(), graph->values.end());
  const bool has_batch_norm = std::ranges::any_of(all.values, [](const Value& value) {
    return value.kind == ValueKind::parameter && value.name.ends_with(".running_mean");
  });
  std::vector<RenamedTensor> tensors;
  for (const auto& [key, tensor] : file.tensors)
    if (!has_batch_norm || !key.ends_with(".num_batches_tracked"))
      tensors.push_back({std::string(without_module_prefix(key)), key, &tensor});
  return bind_tensors(file, tensors, all);
}

tl::unexpected<Error> not_this_architecture(const WeightFile& file, std::string_view architecture) {
  return fail(ErrorCode::not_found, "{}: is no {} network", file.path.string(), architecture);
}

std::optional<double> stated_hyper(const WeightFile& file, const std::string& hyper) {
  const auto own = file.metadata.find("framelift.hyper");
  if (own == file.metadata.end()) return std::nullopt;
  const auto json = nlohmann::json::parse(own->second, nullptr, false);
  if (!json.is_object() || !json.contains(hyper) || !json[hyper].is_number()) return std::nullopt;
  return std::clamp(json[hyper].get<double>(), -1e9, 1e9);  // absurd ones stay absurd, and fit into an int
}

Status check_hyper(const WeightFile& file, std::string_view what, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return {};
  return fail(ErrorCode::unsupported, "{}: the network has {} {}, supported are {} to {}", file.path.string(), value,
              what, low, high);
}

}  // namespace framelift
