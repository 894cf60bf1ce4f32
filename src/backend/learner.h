// Training a graph: the parameters of one or more graphs, what the optimiser knows of them, and steps that improve
// them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "frame/tensor.h"
#include "graph/graph.h"

namespace framelift {

struct LearnerOptions {
  std::string device = "auto";           // "cpu", "cuda", "cuda:1"; auto: a GPU when there is one
  Precision precision = Precision::f32;  // bf16, f16: autocast; weights, sums and the optimiser stay f32
  int threads = 0;                       // CPU threads; 0: all
  // Adam (Kingma & Ba, 2015), or AdamW (Loshchilov & Hutter, 2019) when the decay is decoupled.
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled_decay = true;
  double gradient_clip = 0;  // largest norm of all gradients together; 0: as they are
};

// What one update did.
struct UpdateReport {
  double gradient_norm = 0;  // before clipping
  bool skipped = false;      // f16 only: the gradients overflowed, the loss scale was halved, nothing was changed
};

// Not thread-safe. Every graph run here takes the learner's parameters by name; statistics of batch normalisation
// (`.running_mean`, `.running_var`) are updated by accumulate() and used by evaluate().
class Learner {
 public:
  virtual ~Learner() = default;

  // Runs the graph on `inputs` and adds the gradient of its first output, a scalar [1], times `weight` to what earlier
  // calls have accumulated. Returns the value of that output.
  virtual Result<double> accumulate(const Graph& graph, std::span<const TensorView> inputs, double weight = 1) = 0;
  // One step of the optimiser with what was accumulated, which is forgotten then.
  virtual Result<UpdateReport> update(double learning_rate) = 0;
  // All outputs of a graph, without gradients, in f32.
  virtual Result<std::vector<Tensor>> evaluate(const Graph& graph, std::span<const TensorView> inputs) = 0;

  // Copies of the parameters as they are, in f32.
  virtual Parameters parameters() const = 0;
  // What resuming needs beside the parameters, by name: the optimiser's moments and step count, the loss scale.
  virtual Parameters optimiser_state() const = 0;
  // Errors: a tensor that is missing or has another shape.
  virtual Status restore(const Parameters& parameters, const Parameters& optimiser_state) = 0;
};

// Gradients for tests: of a graph's first output, a scalar, with respect to its inputs and parameters, in float64.
struct DoubleGradients {
  double value = 0;
  std::map<std::string, std::vector<double>> gradients;  // by the name of the input or parameter
};

}  // namespace framelift
