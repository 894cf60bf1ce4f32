// ncnn models: a text graph (.param) and the weights in layer order (.bin).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"
#include "weights/weight_file.h"

namespace framelift {

// Reads both halves. Half-precision weights stay f16; biases and slopes are f32. Every byte of the .bin must belong to
// a layer; a layer type that may carry weights we cannot place is refused. `bin_name` becomes the result's path.
Result<WeightFile> parse_ncnn(std::span<const std::byte> param, std::string_view param_name,
                              std::span<const std::byte> bin, std::string_view bin_name);

}  // namespace framelift
