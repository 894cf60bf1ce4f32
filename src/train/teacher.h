// Distillation: what a finished network makes of the pictures is what another one learns to make.
#pragma once

#include <memory>

#include "backend/learner.h"
#include "backend/torch/torch_engine.h"
#include "network/network.h"
#include "train/data/batch_loader.h"
#include "train/validation.h"

namespace framelift {

// Runs on the training's engine in f32 and never learns. Not thread-safe.
class Teacher {
 public:
  // The network must outlive it. `options`: device and threads. Errors: those of the engine.
  static Result<Teacher> create(TorchEngine& engine, const Network& network, LearnerOptions options,
                                const ValidationOptions& validation);

  // Of a batch's tiles, each by itself.
  Result<Tensor> target(Batch& batch) { return network_->evaluate(*learner_, batch.inputs()); }
  // Of a whole picture, in tiles where it is large.
  Result<Tensor> target(const Sample& sample) { return network_->predict(*learner_, sample); }

 private:
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<Validator> network_;
};

// Pictures whose targets are the teacher's; for one thread at a time, unlike others.
class TaughtPictures final : public Dataset {
 public:
  // Both must outlive it.
  TaughtPictures(const Dataset& pictures, Teacher& teacher) : pictures_(pictures), teacher_(teacher) {}

  size_t size() const override { return pictures_.size(); }
  const std::string& name(size_t i) const override { return pictures_.name(i); }
  Result<Sample> load(size_t i) const override {
    FL_TRY(Sample sample, pictures_.load(i));
    FL_TRY(sample.target, teacher_.target(sample));
    return sample;
  }

 private:
  const Dataset& pictures_;
  Teacher& teacher_;
};

}  // namespace framelift
