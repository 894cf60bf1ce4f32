// How good a network is on whole pictures.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <tuple>

#include "backend/learner.h"
#include "base/cancellation.h"
#include "network/network.h"
#include "train/data/dataset.h"
#include "train/loss.h"
#include "train/picture_metrics.h"

namespace framelift {

struct ValidationOptions {
  LossOptions loss;
  // Pictures are taken in groups of this size, and so many tiles go through the network at once.
  int batch = 1;
  // Longest side, in input pixels, of what goes through the network at once; more where the receptive field needs it.
  int tile = 1024;
  // Metrics are taken of the first picture of each of the first so many groups.
  int metric_batches = 4;
  MetricMode metric_mode = MetricMode::percentile;
  // cd/m2 of 1 in the targets, for PU21-PSNR of linear light; 0: it is not taken.
  double white_nits = 0;
};

struct ValidationResult {
  double loss = 0;  // mean over the pictures
  // Means over the measured pictures; NaN when there are none, or without white_nits.
  double psnr = 0, ssim = 0, pu21_psnr = 0;
  int measured_pictures = 0;
};

// Keeps the graphs it has built. Not thread-safe.
class Validator {
 public:
  Validator(NetworkContract contract, GraphOfSize build, ValidationOptions options)
      : contract_(std::move(contract)), build_(std::move(build)), options_(options) {}

  // The network on a batch: picture [N,3,H,W], and frame vectors where it takes them. Errors: those of the learner.
  Result<Tensor> evaluate(Learner& learner, std::span<const TensorView> inputs);

  // The network's picture for a sample's input of any size: padded to the alignment by reflection, cut into tiles that
  // overlap by the receptive field where it is larger than `tile` (the result is the same), and cropped.
  Result<Tensor> predict(Learner& learner, const Sample& sample);

  // `on_picture`, which may be empty, is called for each picture in order, with its place in `indices`.
  // Errors: of the data set; cancelled; invalid_argument (a target of another size than the network gives).
  using OnPicture = std::function<Status(size_t place, const Sample& sample, const Tensor& prediction)>;
  Result<ValidationResult> run(Learner& learner, const Dataset& dataset, std::span<const size_t> indices,
                               const Cancellation* cancel, const OnPicture& on_picture);

 private:
  Result<const Graph*> network_graph(int batch, int height, int width);
  Result<double> loss_of(Learner& learner, Tensor& prediction, Tensor& target);

  const NetworkContract contract_;
  const GraphOfSize build_;
  ValidationOptions options_;
  std::map<std::tuple<int, int, int>, Graph> graphs_;
};

}  // namespace framelift
