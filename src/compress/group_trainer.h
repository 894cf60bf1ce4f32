// Training one HiNeRV network on the pictures it will stand for.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "backend/learner.h"
#include "base/cancellation.h"
#include "base/result.h"
#include "compress/hinerv_plan.h"
#include "frame/frame.h"
#include "preprocess/picture_reader.h"
#include "synthesis/fnv_video.h"

namespace framelift {

// The authors' recipe. Adam; every stage has a learning rate that falls with half a cosine to a hundredth.
struct TrainingRecipe {
  int epochs = 300;          // the first tenth warms up
  int prune_epochs = 60;     // after pruning
  int quantise_epochs = 30;  // with Quant-Noise, at a tenth of the rate
  double prune = 0.15;       // share of all weights
  int bits = default_weight_bits;
  bool allocate_bits = true;    // that many on average, more where rounding shows (bit_allocation.h)
  double noise = 0.9;           // share of the weights that each update sees rounded
  double learning_rate = 2e-3;  // for batches of one frame's worth of pixels, and in proportion for others
  int batch = 0;                // patches; 0: as many as make a frame
  int evaluate_every = 30;      // epochs
  LearnerOptions learner{.gradient_clip = 1};
  uint64_t seed = 42;

  int all_epochs() const { return epochs + prune_epochs + quantise_epochs; }
};

// For another number of epochs: a fifth as many after pruning, a tenth with Quant-Noise.
TrainingRecipe recipe_of(int epochs);

enum class TrainingStage : uint8_t { train, prune, quantise };
const char* to_string(TrainingStage stage);

struct GroupProgress {
  TrainingStage stage = TrainingStage::train;
  int epoch = 0, epochs = 0;       // of all stages; counts from 1
  int64_t batch = 0, batches = 0;  // done, in the epoch
  double mean_loss = 0;            // of the epoch so far
  double seconds_left = 0;         // of the group's training
};

struct GroupEvaluation {
  TrainingStage stage = TrainingStage::train;
  int epoch = 0, epochs = 0;
  double psnr = 0;            // R'G'B', mean over the frames (compress/quality.h)
  double bits_per_pixel = 0;  // of the weights if they were stored as they are now
};

struct GroupJob {
  HinervPlan plan;
  std::span<const Frame> frames;           // as many as plan.config says, of one size
  const PictureReader* reader = nullptr;   // for networks that paint R'G'B'
  ColorRange range = ColorRange::limited;  // of the frames, for those that paint Y'CbCr
  TrainingRecipe recipe;
  // Where training begins, for those of the network's parameters that are here in the same shape; the others begin at
  // random, from the seed.
  const Parameters* start = nullptr;
  std::optional<TensorBits> bits;  // known before, instead of allocating them
  std::filesystem::path checkpoint;
  bool resume = false;             // goes on from the checkpoint if there is one
  std::string settings;            // noted in the checkpoint; another text there is refused
  double checkpoint_seconds = 60;  // between two checkpoints
  const Cancellation* cancel = nullptr;
  std::function<void(const GroupProgress&)> on_batch;
  std::function<void(const GroupEvaluation&)> on_evaluation;
};

struct TrainedGroup {
  Parameters parameters;
  TensorBits bits;
  bool finished = false;  // otherwise it was cancelled, and the checkpoint has everything
};

// Resuming gives the same weights, bit for bit (on the CPU, with the same number of threads). Errors: unsupported (no
// torch engine), io, invalid_data (a checkpoint of something else, a loss that is no number).
Result<TrainedGroup> train_group(const GroupJob& job);

}  // namespace framelift
