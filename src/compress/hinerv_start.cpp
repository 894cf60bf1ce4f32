#include "compress/hinerv_start.h"

#include <algorithm>
#include <cmath>

#include "train/initialise.h"

namespace framelift {

Parameters initial_hinerv_parameters(const Graph& graph, uint64_t seed) {
  constexpr double grid_bound = 1e-3;
  constexpr std::string_view weight_end = ".weight", bias_end = ".bias";
  Parameters parameters;
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    const std::string& name = value.name;
    const bool of_grids = name.find(".enc.") != std::string::npos;
    double bound = 0;
    if (name.find("grids.") != std::string::npos) {
      bound = grid_bound;
    } else if (name.ends_with(weight_end)) {
      bound = 1 / std::sqrt(static_cast<double>(value.shape.elements()) / static_cast<double>(value.shape[0]));
    } else if (of_grids && name.ends_with(bias_end)) {
      const std::string weight = name.substr(0, name.size() - bias_end.size()) + std::string(weight_end);
      const auto found = std::ranges::find(graph.values, weight, &Value::name);
      bound = 1 / std::sqrt(static_cast<double>(found->shape[1]));
    }
    parameters.emplace(name, uniform_tensor(name, value.shape, bound, seed));
  }
  return parameters;
}

LossOptions hinerv_loss(int patch_height, int patch_width) {
  constexpr int window = 5, smallest = 16 * window;
  const bool large = std::min(patch_height, patch_width) >= smallest;
  return {large ? LossKind::ms_ssim : LossKind::l1, 0.3, window};
}

}  // namespace framelift
