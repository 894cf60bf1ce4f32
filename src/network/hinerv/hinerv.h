// The graph of a HiNeRV network, and what its inputs are for given frames or patches.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frame/tensor.h"
#include "graph/graph.h"
#include "network/hinerv/config.h"

namespace framelift {

// What one run makes: a batch of whole frames (for decoding), or of patches of them (for training). A patch is computed
// with enough around it to be, within rounding, the part of the frame that it is. Patches form a grid that starts in
// the frame's corner; what lies beyond the frame is of no meaning.
struct HinervRun {
  int batch = 1;
  int patch_height = 0, patch_width = 0;  // multiples of the configuration's stride; 0: whole frames
  bool whole() const { return patch_height == 0; }
};

// Which frame, and in a run of patches which cell of the grid.
struct HinervPlace {
  int frame = 0, row = 0, column = 0;
};

// Output "image" [batch,3,height,width], R'G'B' from 0 to 1. Parameters have the names of the authors' state dict
// ("decoder.stem.conv.weight"). Inputs are those that fill_hinerv_input() fills: one graph serves all frames and
// patches. Errors: as check_hinerv, a patch that the stride does not divide.
Result<Graph> build_hinerv(const HinervConfig& config, const HinervRun& run);

// Fills the input of that name of a graph built with the same arguments. One place per element of the batch, frames
// from 0 to config.frames - 1.
void fill_hinerv_input(const HinervConfig& config, const HinervRun& run, std::span<const HinervPlace> places,
                       std::string_view name, const TensorView& input);

// All of them, in the graph's order.
std::vector<Tensor> hinerv_inputs(const Graph& graph, const HinervConfig& config, const HinervRun& run,
                                  std::span<const HinervPlace> places);

}  // namespace framelift
