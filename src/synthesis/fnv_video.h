// HiNeRV networks in .fnv files: from trained weights to what a file stores, and back to what can be played.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/fnv.h"
#include "network/hinerv/video.h"

namespace framelift {

// The bits that weights have: one number for all tensors but those that have their own.
struct TensorBits {
  TensorBits(int every) : all(every) {}  // implicit: most want nothing else

  int all;
  std::map<std::string, int, std::less<>> of;

  int operator()(std::string_view tensor) const;
  friend bool operator==(const TensorBits&, const TensorBits&) = default;
};

// Weights with two axes or more as whole numbers of `bits`, the others as halves. Errors as quantize(), with the name.
Result<std::vector<StoredTensor>> store_network(const Parameters& parameters, const TensorBits& bits);
// The bits of such tensors, each by its name, and `others` of any other.
TensorBits bits_of(std::span<const StoredTensor> tensors, int others);

// What a file's tensors stand for, by their names.
Parameters stored_parameters(std::span<const StoredTensor> tensors);

// One group as a video of its own; `file` opens error messages. Errors: unsupported and invalid_data (a configuration
// that is not understood, tensors that do not fit it).
Result<HinervVideo> video_of_group(const FnvHeader& header, const FnvGroup& group, const std::string& file);

}  // namespace framelift
