// A compiled network as libtorch runs it.
#pragma once

#include <vector>

#include "backend/backend.h"
#include "backend/torch/plugin/torch_graph.h"

namespace framelift {

// Shared by an executable and its requests.
struct Program {
  Graph graph;
  TorchTensors parameters;
  at::Device device{at::kCPU};
  at::ScalarType type = at::kFloat;
  Precision precision = Precision::f32;
  int threads = 0;
  bool resident = false;
  std::vector<PortInfo> inputs, outputs;
};

// What start() finds and wait() leaves on the host: f32, on a GPU pinned, from libtorch's pool of such memory.
class TorchRequest : public InferRequest {
 public:
  explicit TorchRequest(std::shared_ptr<const Program> program);
  TensorView input(int index) override;
  TensorView output(int index) override;

 protected:
  std::shared_ptr<const Program> program_;
  std::vector<at::Tensor> inputs_, outputs_;
};

}  // namespace framelift
