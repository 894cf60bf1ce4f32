// What happens to weights while a network learns to be small: pruning, and Quant-Noise (Fan et al., "Training with
// Quantization Noise for Extreme Model Compression", ICLR 2021), both as HiNeRV (Kwan et al., NeurIPS 2023) uses them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "frame/tensor.h"
#include "graph/graph.h"
#include "synthesis/fnv_video.h"

namespace framelift {

// Whether files keep the parameter as whole numbers: all that have two axes or more.
bool is_quantised(const Shape& shape);

// Sets int(share * all parameters) weights to zero: those of convolutions and linear layers, not of grids and their
// layers, with the lowest |w| / (sqrt(weights of the same tensor) + 1e-6), one threshold for all tensors. A pruned
// weight is one that is exactly zero; none is remembered beside it. Returns how many are zero.
int64_t prune_weights(Parameters& parameters, double share);

// The graph with w * keep + fixed in place of each quantised parameter w, where inputs "keep.<name>" and "fixed.<name>"
// of the parameter's shape say which weights learn and what the others are.
Result<Graph> with_weight_inputs(const Graph& graph);

// What those inputs are, by their names.
// Pruned weights stay zero, all others learn.
Parameters pruned_weight_inputs(const Parameters& parameters);
// Pruned weights stay zero. Of the others the share `noise` (0..1), chosen anew by each `key`, is what `bits` leave of
// it: quantize() in codec/quantized_tensor.h. No gradient goes through the rounding. Errors as quantize().
Result<Parameters> noisy_weight_inputs(const Parameters& parameters, const TensorBits& bits, double noise,
                                       uint64_t seed, uint64_t key);
// Both sets have inputs for the parameter of this name.
void swap_weight_inputs(Parameters& a, Parameters& b, std::string_view name);

}  // namespace framelift
