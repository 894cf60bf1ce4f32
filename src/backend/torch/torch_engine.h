// libtorch, for training and for NVIDIA GPUs. It is large, so it lives in a library of its own, libframelift_torch.so
// beside the program, which is loaded when something asks for it; builds without it say how to get it.
#pragma once

#include <functional>
#include <memory>

#include "backend/backend.h"
#include "backend/learner.h"

namespace framelift {

// What that library offers.
class TorchEngine {
 public:
  virtual ~TorchEngine() = default;
  virtual Backend& backend() = 0;
  virtual Result<std::unique_ptr<Learner>> create_learner(const Parameters& initial, const LearnerOptions& options) = 0;
  // Everything in float64 on the CPU. Inputs and parameters are converted.
  virtual Result<DoubleGradients> gradients(const Graph& graph, const Parameters& parameters,
                                            std::span<const TensorView> inputs) = 0;
};

// Loads the library at the first call. Errors: unsupported, with the remedy.
Result<TorchEngine*> torch_engine();

// The registry's entry: forwards to the engine's backend.
Backend& torch_backend();

// The library's only symbol.
using TorchEngineEntry = TorchEngine* (*)();
inline constexpr const char* torch_engine_entry = "framelift_torch_engine";

}  // namespace framelift
