// Rewrites that keep a graph's meaning.
#pragma once

#include "base/result.h"
#include "graph/graph.h"

namespace framelift {

// Replaces every parameter by a constant (a float32 copy). Errors: a parameter that is missing or has another shape,
// named with both shapes.
Result<Graph> bind_parameters(const Graph& graph, const Parameters& parameters);

// Evaluates nodes whose inputs are all constants, folds a multiplication by a constant scalar or a batch
// normalisation into the convolution before it, and drops what no output needs. Results differ from the original's by
// rounding only.
Result<Graph> optimise(Graph graph);

// What the outputs need; inputs stay even when unread.
Graph without_dead(Graph graph);

// Permutations of permutations become one, those that change nothing none; what they leave unread stays.
void merge_permutations(Graph& graph);

}  // namespace framelift
