// A graph as calls of libtorch, differentiable where its parameters are.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace framelift {

using TorchTensors = std::map<std::string, at::Tensor, std::less<>>;

at::Tensor to_torch(const TensorView& view, at::ScalarType type, at::Device device);  // a copy; 4-D: channels last
inline TensorView view_of(const Tensor& tensor) {                                     // only to be read
  return {tensor.dtype(), tensor.shape(), const_cast<std::byte*>(tensor.data())};
}

// The graph's outputs. `parameters` holds every parameter by name. In training, batch normalisation uses the batch's
// statistics and updates the running ones in `parameters`. Throws c10::Error.
std::vector<at::Tensor> run_graph(const Graph& graph, const TorchTensors& parameters,
                                  const std::vector<at::Tensor>& inputs, bool training);

// Success, or the first op that has no form here.
Status expect_torch_ops(const Graph& graph);

}  // namespace framelift
