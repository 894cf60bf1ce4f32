// Weights that follow a formula instead of filling a file; formula_tensor() of tools/make_goldens.py is the same.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "graph/graph.h"

namespace framelift {

// Element i: a number in [-1, 1) from FNV-1a of the tensor's name and i, brought to a size that suits its role.
inline Tensor formula_tensor(const std::string& name, const Shape& shape) {
  uint32_t seed = 2166136261u;
  for (unsigned char byte : name) seed = (seed ^ byte) * 16777619u;
  const double per_output = static_cast<double>(shape.elements() / shape[0]);
  Tensor tensor(DType::f32, shape);
  for (size_t i = 0; i < tensor.f32().size(); ++i) {
    uint32_t mixed = seed + static_cast<uint32_t>(i) * 2654435761u;
    mixed = (mixed ^ mixed >> 15) * 2246822519u;
    const double unit = static_cast<double>(mixed ^ mixed >> 13) / 0x1p31 - 1;
    const bool around_one = name.ends_with(".weight") || name.ends_with(".running_var");
    tensor.f32()[i] = static_cast<float>(shape.rank() > 1 ? unit * std::sqrt(3 / per_output)
                                         : around_one     ? 1 + 0.5 * unit
                                                          : 0.1 * unit);
  }
  return tensor;
}

inline void add_formula_weights(const Graph& graph, Parameters& parameters) {
  for (const Value& value : graph.values)
    if (value.kind == ValueKind::parameter) parameters.emplace(value.name, formula_tensor(value.name, value.shape));
}

}  // namespace framelift
