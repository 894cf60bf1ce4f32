#include "train/teacher.h"

namespace framelift {

Result<Teacher> Teacher::create(TorchEngine& engine, const Network& network, LearnerOptions options,
                                const ValidationOptions& validation) {
  Teacher teacher;
  options.precision = Precision::f32;
  FL_TRY(teacher.learner_, engine.create_learner(network.parameters, options));
  teacher.network_ = std::make_unique<Validator>(
      network.contract, [&network](int batch, int height, int width) { return network.build(batch, height, width); },
      validation);
  return teacher;
}

}  // namespace framelift
