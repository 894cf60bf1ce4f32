// Where the training of a HiNeRV network begins.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "graph/graph.h"
#include "train/loss.h"

namespace framelift {

// Every parameter of a graph of build_hinerv(), as the authors' program has them: grids uniform in +-1e-3, layers as
// PyTorch's, where all biases but those of the grids' layers are 0.
Parameters initial_hinerv_parameters(const Graph& graph, uint64_t seed);

// The loss that the network is trained with on patches of that size: 0.7 L1 + 0.3 (1 - MS-SSIM) with a window of 5, or
// L1 alone where a patch is too small for MS-SSIM.
LossOptions hinerv_loss(int patch_height, int patch_width);

}  // namespace framelift
