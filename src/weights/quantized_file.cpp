#include "weights/quantized_file.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace framelift {
namespace {

constexpr std::string_view foreign_weight = ".weight_int8", own_weight = ".weight";
constexpr FakeQuantize foreign_grid{-128, 127};

std::string grid_name(const std::string& weight) {
  std::string name = input_scale_name(weight);
  name.replace(name.rfind("scale"), std::string::npos, "grid");
  return name;
}

// A layer's name ("body.0") where the tensor is its integer weight.
std::optional<std::string> quantized_layer(const std::string& name, const Tensor& tensor) {
  if (tensor.dtype() != DType::i8) return {};
  for (const std::string_view ending : {foreign_weight, own_weight})
    if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  return {};
}

class Splitter {
 public:
  explicit Splitter(const WeightFile& file) : file_(file), path_(file.path.string()) {
    for (const auto& [name, tensor] : file.tensors) by_name_.emplace(name, &tensor);
  }

  Result<QuantizedFile> run() {
    result_.file.path = file_.path;
    result_.file.format = file_.format;
    result_.file.metadata = file_.metadata;
    for (const auto& [name, tensor] : file_.tensors)
      if (const auto layer = quantized_layer(name, tensor)) FL_CHECK(take(*layer, name, tensor));
    for (const auto& [name, tensor] : file_.tensors)
      if (!used_.contains(name)) result_.file.tensors.emplace_back(name, tensor.clone());
    return std::move(result_);
  }

 private:
  const Tensor* find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }

  Status take(const std::string& layer, const std::string& name, const Tensor& integers) {
    const std::string weight = layer + std::string(own_weight);
    const bool foreign = name.ends_with(foreign_weight);
    if (integers.shape().rank() < 2)
      return fail(ErrorCode::invalid_data, "{}: tensor {} {} is no weight of a layer", path_, name,
                  to_string(integers.shape()));
    LayerQuantization quantization;
    std::string weight_scale = weight_scale_name(weight), input_scale = input_scale_name(weight);
    if (!foreign) {
      const std::string grid = grid_name(weight);
      if (find(grid) != nullptr) {
        FL_TRY(quantization.input, read_grid(grid));
      } else if (find(input_scale) != nullptr) {
        return fail(ErrorCode::invalid_data, "{}: tensor {} is missing; the file is not complete", path_, grid);
      }
    } else if (const std::string zero = layer + ".x_zero"; find(zero) != nullptr) {
      return fail(ErrorCode::unsupported,
                  "{}: tensor {}: inputs with an offset, of a later version than 0.8, are not read", path_, zero);
    } else {
      input_scale = layer + ".x_scale";
      if (find(input_scale) != nullptr) quantization.input = foreign_grid;
      weight_scale = layer + (quantization.input || find(layer + ".w_scale") ? ".w_scale" : ".scale");
      if (!quantization.input && weight_scale.ends_with(".w_scale"))
        return fail(ErrorCode::invalid_data, "{}: tensor {} is missing; the file is not complete", path_, input_scale);
    }
    FL_TRY(const Tensor scale, read_scale(weight_scale, integers.shape()[0]));
    Tensor values = integers.to_f32();
    const size_t per_scale = values.f32().size() / scale.f32().size();
    for (size_t i = 0; i < values.f32().size(); ++i) values.f32()[i] *= scale.f32()[i / per_scale];
    result_.file.tensors.emplace_back(weight, std::move(values));
    result_.scales.emplace(weight_scale_name(weight), scale.clone());
    if (quantization.input) {
      FL_TRY(Tensor input, read_scale(input_scale, 1));
      result_.scales.emplace(input_scale_name(weight), std::move(input));
    }
    result_.layers.emplace(weight, quantization);
    used_.insert(name);
    return {};
  }

  Result<Tensor> read_scale(const std::string& name, int64_t count) {
    const Tensor* tensor = find(name);
    if (tensor == nullptr)
      return fail(ErrorCode::invalid_data, "{}: tensor {} is missing; the file is not complete", path_, name);
    if (tensor->elements() != count)
      return fail(ErrorCode::invalid_data, "{}: tensor {} has shape {}, expected [{}]", path_, name,
                  to_string(tensor->shape()), count);
    Tensor scale = tensor->to_f32().reshaped({count});
    if (!std::ranges::all_of(scale.f32(), [](float v) { return std::isfinite(v) && v > 0; }))
      return fail(ErrorCode::invalid_data, "{}: tensor {} holds a scale that is no positive number", path_, name);
    used_.insert(name);
    return scale;
  }

  Result<FakeQuantize> read_grid(const std::string& name) {
    const Tensor* tensor = find(name);
    if (tensor->dtype() != DType::i32 || tensor->elements() != 2)
      return fail(ErrorCode::invalid_data, "{}: tensor {} is not two integers", path_, name);
    const FakeQuantize grid{tensor->as<int32_t>()[0], tensor->as<int32_t>()[1]};
    if (grid.low > 0 || grid.high < 0 || grid.low < -255 || grid.high > 255 || grid.high - grid.low < 1 ||
        grid.high - grid.low > 255)
      return fail(ErrorCode::invalid_data, "{}: tensor {}: {} to {} are no 8-bit integers around 0", path_, name,
                  grid.low, grid.high);
    used_.insert(name);
    return grid;
  }

  const WeightFile& file_;
  const std::string path_;
  std::map<std::string_view, const Tensor*> by_name_;
  std::set<std::string, std::less<>> used_;
  QuantizedFile result_;
};

}  // namespace

bool is_quantized(const WeightFile& file) {
  return std::ranges::any_of(file.tensors,
                             [](const auto& entry) { return quantized_layer(entry.first, entry.second).has_value(); });
}

Result<QuantizedFile> split_quantized(const WeightFile& file) { return Splitter(file).run(); }

std::vector<std::pair<std::string, Tensor>> quantized_tensors(const Parameters& parameters,
                                                              const QuantizedLayers& layers) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const auto& [name, values] : parameters) {
    const auto layer = layers.find(name);
    if (layer == layers.end()) {
      tensors.emplace_back(name, values.clone());
      continue;
    }
    const std::span<const float> scale = parameters.at(weight_scale_name(name)).f32();
    Tensor integers(DType::i8, values.shape());
    const size_t per_scale = values.f32().size() / scale.size();
    for (size_t i = 0; i < values.f32().size(); ++i)
      integers.as<int8_t>()[i] = static_cast<int8_t>(std::clamp(std::nearbyint(values.f32()[i] / scale[i / per_scale]),
                                                                float{weight_grid.low}, float{weight_grid.high}));
    tensors.emplace_back(name, std::move(integers));
    if (const auto& grid = layer->second.input) {
      Tensor ends(DType::i32, {2});
      ends.as<int32_t>()[0] = grid->low;
      ends.as<int32_t>()[1] = grid->high;
      tensors.emplace_back(grid_name(name), std::move(ends));
    }
  }
  return tensors;
}

}  // namespace framelift
