// The meaning of every op in plain scalar C++: what all engines are held against. Slow on purpose.
#pragma once

#include <span>

#include "base/result.h"
#include "graph/graph.h"

namespace framelift {

// Computes `op` over float32 views. `output` has the shape that infer_shape gives and does not overlap the inputs.
// Convolutions and interpolations accumulate in double and round once.
void evaluate(const Op& op, std::span<const TensorView> inputs, const TensorView& output);

// Runs a whole graph on the calling thread. `inputs` are in graph.inputs' order, parameters are looked up by name.
Result<std::vector<Tensor>> evaluate(const Graph& graph, const Parameters& parameters, std::span<const Tensor> inputs);

}  // namespace framelift
