// HiNeRV networks in .fnv files: from trained weights to what a file stores, and back to what can be played.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/fnv.h"
#include "network/hinerv/video.h"

namespace framelift {

// Weights with two axes or more as whole numbers of `bits`, the others as halves. Errors as quantize(), with the name.
Result<std::vector<StoredTensor>> store_network(const Parameters& parameters, int bits);

// What a file's tensors stand for, by their names.
Parameters stored_parameters(std::span<const StoredTensor> tensors);

// One group as a video of its own; `file` opens error messages. Errors: unsupported and invalid_data (a configuration
// that is not understood, tensors that do not fit it).
Result<HinervVideo> video_of_group(const FnvHeader& header, const FnvGroup& group, const std::string& file);

}  // namespace framelift
