// From an ONNX model to the IR.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "weights/onnx/onnx_model.h"

namespace framelift {

// Adds to `builder` what computes the model's values `wanted` from `given` (its inputs, or any other of its values by
// name), whose shapes are those of this one size: shapes that the model computes are known, and what follows from them
// is folded. Float tensors, but for scalars, become parameters under their own names. Errors: unsupported (the
// message names the first node, in the model's order, that has no counterpart in the IR), invalid_data.
Result<std::vector<ValueId>> lower_onnx(const OnnxModel& model, GraphBuilder& builder,
                                        const std::map<std::string, ValueId>& given,
                                        std::span<const std::string> wanted);

}  // namespace framelift
