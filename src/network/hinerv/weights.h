// State dicts of the authors' program: from names and shapes to a configuration, and to the graph's parameters.
#pragma once

#include <optional>

#include "base/result.h"
#include "graph/graph.h"
#include "network/hinerv/config.h"
#include "weights/weight_file.h"

namespace framelift {

// What a state dict does not show. Whatever is not given is taken from the published configuration whose tensors have
// the file's shapes.
struct HinervUnseen {
  int height = 0, width = 0;  // 0: not given
  std::optional<bool> upsample_norm;
};

// Whether the file holds a HiNeRV network, of any configuration.
bool is_hinerv(const WeightFile& file);

// Errors: not_found (no HiNeRV network), invalid_argument (the size of the video is needed, or does not fit),
// unsupported (a variant that is not known).
Result<HinervConfig> detect_hinerv(const WeightFile& file, const HinervUnseen& unseen);

// The parameters of build_hinerv's graphs. Weights that the authors' program prunes and quantises while training have
// parametrised names; masks are multiplied in, and what else belongs to the training is passed over. Errors as
// bind_tensors.
Result<Parameters> hinerv_parameters(const WeightFile& file, const HinervConfig& config);

}  // namespace framelift
