#pragma once

#include "backend/learner.h"

namespace framelift {

Result<std::unique_ptr<Learner>> create_torch_learner(const Parameters& initial, const LearnerOptions& options);

Result<DoubleGradients> torch_gradients(const Graph& graph, const Parameters& parameters,
                                        std::span<const TensorView> inputs);

}  // namespace framelift
