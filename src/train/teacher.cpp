#include "train/teacher.h"

namespace framelift {

Result<Teacher> Teacher::create(TorchEngine& engine, const Network& network, LearnerOptions options,
                                const ValidationOptions& validation) {
  Teacher teacher(network);
  options.precision = Precision::f32;
  FL_TRY(teacher.learner_, engine.create_learner(network.parameters, options));
  teacher.whole_ = std::make_unique<Validator>(
      network.contract, [&network](int batch, int height, int width) { return network.build(batch, height, width); },
      validation);
  return teacher;
}

Result<Tensor> Teacher::target(Batch& batch) {
  const Shape& shape = batch.input.shape();
  const std::tuple key(shape[0], shape[2], shape[3]);
  auto found = graphs_.find(key);
  if (found == graphs_.end()) {
    FL_TRY(Graph graph,
           network_->build(static_cast<int>(shape[0]), static_cast<int>(shape[2]), static_cast<int>(shape[3])));
    found = graphs_.emplace(key, std::move(graph)).first;
  }
  FL_TRY(std::vector<Tensor> outputs, learner_->evaluate(found->second, batch.inputs()));
  return std::move(outputs.front());
}

}  // namespace framelift
