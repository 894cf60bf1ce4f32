// Graph -> ov::Model, one OpenVINO operation (opset13) per node.
#pragma once

#include <memory>
#include <openvino/openvino.hpp>

#include "base/result.h"
#include "graph/graph.h"

namespace framelift {

// `graph` has no unbound parameters. The model copies the weights.
Result<std::shared_ptr<ov::Model>> lower_to_openvino(const Graph& graph);

}  // namespace framelift
