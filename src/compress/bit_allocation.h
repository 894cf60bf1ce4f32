// How many bits each tensor's weights get: more where rounding them shows.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "synthesis/fnv_video.h"

namespace framelift {

struct TensorSensitivity {
  std::string name;
  int64_t weights = 0;  // that take bits: pruned ones do not
  double damage = 0;    // mean squared error of the pictures when this tensor alone is rounded to TensorBits::all bits
};

// The bits with the least damage in all whose mean over all weights is at most `mean_bits`: a quarter of the damage for
// each bit more, added up over the tensors. From min_quantized_bits to max_quantized_bits.
TensorBits allocate_bits(std::span<const TensorSensitivity> tensors, int mean_bits);

}  // namespace framelift
