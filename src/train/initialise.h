// Weights to begin training with.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "graph/graph.h"

namespace framelift {

// Uniform in +-bound. The numbers depend on the seed, the name and the shape alone, and are the same on every machine.
Tensor uniform_tensor(std::string_view name, const Shape& shape, double bound, uint64_t seed);

// Every parameter of the graph, as PyTorch's layers begin: weights of convolutions and linear layers uniform in
// +-1/sqrt(fan_in) (He et al., 2015, with a = sqrt(5)), their biases too; slopes of PReLU 0.25; scale 1, shift 0, mean
// 0 and variance 1 in normalisations. Errors: unsupported (a parameter used in another way).
Result<Parameters> initial_parameters(const Graph& graph, uint64_t seed);

}  // namespace framelift
