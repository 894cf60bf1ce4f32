// Rewrites that keep a graph's meaning.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"

namespace framelift {

// Replaces every parameter by a constant (a float32 copy). Errors: a parameter that is missing or has another shape,
// named with both shapes.
Result<Graph> bind_parameters(const Graph& graph, const Parameters& parameters);

// The same for so many pictures at once, of a graph for one: every value that has one picture has that many. Errors:
// unsupported (an op that mixes pictures, or whose shape leaves no room for more; the message names it).
Result<Graph> with_batch(Graph graph, int64_t pictures);

// Evaluates nodes whose inputs are all constants, folds a multiplication by a constant scalar or a batch
// normalisation into the convolution before it, and drops what no output needs. Results differ from the original's by
// rounding only.
Result<Graph> optimise(Graph graph);

// Writes `graph` into `b`, all but its outputs; gives the ids that its values have there. `inputs`, if given, stand for
// the graph's inputs, in their order; `weight`, if given, makes what stands for a parameter. Both are values of the
// same shapes; without them `b` gets inputs and parameters of the same names.
std::vector<ValueId> append(GraphBuilder& b, const Graph& graph, std::span<const ValueId> inputs = {},
                            const std::function<ValueId(const Value& parameter)>& weight = {});

// What the outputs need; inputs stay even when unread.
Graph without_dead(Graph graph);

// Permutations of permutations become one, those that change nothing none; what they leave unread stays.
void merge_permutations(Graph& graph);

}  // namespace framelift
