// TensorFlow Lite models (.tflite): a FlatBuffer with a graph of float32 ops on pictures, and its weights.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"
#include "weights/weight_file.h"

namespace framelift {

// The file's first subgraph as WeightFile::graph: one picture in ("image"), one out ("scores"), both NCHW where the
// file has NHWC; its parameters are `tensors`, "opNNN.inK" for input K of operator NNN, in the graph's layouts and the
// file's precision. Errors: invalid_data (damaged), unsupported (the message names the first operator, option or type
// that has no counterpart here).
Result<WeightFile> parse_tflite(std::span<const std::byte> bytes, std::string_view name);

}  // namespace framelift
