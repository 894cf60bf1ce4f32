// What can be known about a graph before it runs: cost, receptive field, memory.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"

namespace framelift {

struct GraphCost {
  int64_t flops = 0;             // multiply-adds count twice
  int64_t activation_bytes = 0;  // read and written by all nodes, float32
  int64_t parameter_count = 0;
  int64_t parameter_bytes = 0;  // float32
};
GraphCost graph_cost(const Graph& graph);
int64_t node_flops(const Graph& graph, const Node& node);  // of one node, as above

// How many input pixels around a region the region's output depends on. A tile with this halo on its inner sides gives
// exactly the output of the untiled picture.
struct Halo {
  int before_y = 0, after_y = 0, before_x = 0, after_x = 0;
  bool global = false;  // the output depends on the whole picture, which cannot be tiled
};
// For the graph's first input and all outputs; regions start and end on multiples of `alignment` input pixels.
Halo receptive_field(const Graph& graph, int alignment);

// The pixels of the first input between two neighbours in the coarsest picture that the graph computes: for tiles to
// see the same samples as the whole picture, they begin at multiples of it.
int pixel_step(const Graph& graph);

// Where each value lives in one block of memory, reusing what is no longer needed. Inputs, parameters and constants
// have no place in it (offset -1); outputs keep theirs to the end.
struct MemoryPlan {
  std::vector<int64_t> offsets;  // per value, in bytes, multiples of 64
  int64_t bytes = 0;
};
MemoryPlan plan_memory(const Graph& graph);

}  // namespace framelift
