// Training a network: epochs over a data set, validation, checkpoints, logs and reports in a run folder.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backend/learner.h"
#include "base/cancellation.h"
#include "network/network.h"
#include "train/data/batch_loader.h"
#include "train/run/history.h"
#include "train/run/run_folder.h"
#include "train/schedule.h"
#include "train/validation.h"

namespace framelift {

// Pictures by their places in a data set; the sets outlive the training.
struct TrainingData {
  const Dataset* training = nullptr;
  std::vector<size_t> training_indices;
  const Dataset* validation = nullptr;
  std::vector<size_t> validation_indices;
};

// All of `training`, and all of `validation`; without a second set split_dataset() takes a share out of the first.
// Errors: invalid_argument (too few pictures).
Result<TrainingData> split_data(const Dataset& training, const Dataset* validation, double validation_share,
                                uint64_t seed);

struct TrainerOptions {
  int epochs = 100;
  BatchOptions batches;
  int accumulation = 1;  // batches whose mean gradient makes one update
  Schedule schedule;
  LearnerOptions learner;
  ValidationOptions validation;  // its loss is the loss
  int patience = 0;              // epochs without a better validation loss until training ends; 0: never
  int checkpoint_every = 0;      // epochs between checkpoints that are kept; 0: only best and latest
  int previews = 2;              // validation pictures that are written to viz/ each epoch
  bool tensorboard = true;
  bool infer_only = false;  // one validation with previews instead of training
  int start_epoch = 0;      // the number of the first epoch; 0: after the last that the checkpoint has
  double scale_hdr = 1;     // what the data side divided linear targets by; noted in checkpoints
  std::string tag, notes;
  uint64_t seed = 42;  // of the first weights; batches have their own
};

struct BatchReport {
  int epoch = 0, epochs = 0;
  int64_t batch = 0, batches = 0;  // done, in the epoch
  double mean_loss = 0;            // of the epoch so far
  double seconds_left = 0;         // of the epoch's training
};

enum class TrainingEnd : uint8_t { completed, early_stop, stop_file, cancelled };

struct TrainingJob {
  const Architecture* architecture = nullptr;
  HyperParameters hyper;
  // Begin with this model's weights (of the same architecture and hyper-parameters); layers that compute with integers
  // go on doing so, and their scales are learnt too: quantisation-aware training. Null: fresh weights.
  // Its frame graph, where it has one, is not trained: samples come with what it says (WithFrameVectors).
  const Network* from = nullptr;
  // What this network makes of the inputs is the target, and what the data has for one is passed over. Null: the
  // data's.
  const Network* teacher = nullptr;
  TrainingData data;
  TrainerOptions options;
  std::filesystem::path root = "runs";  // of run folders; one training at a time has its lock
  std::optional<ResumePoint> resume;
  std::string program;  // version and commit, for config.json
  const Cancellation* cancel = nullptr;

  // All may be empty.
  std::function<void(const std::filesystem::path& run_folder)> on_start;
  std::function<void(const BatchReport&)> on_batch;
  std::function<void(const EpochRecord&)> on_epoch;
};

struct TrainingResult {
  TrainingEnd end = TrainingEnd::completed;
  std::filesystem::path run_folder;
  int best_epoch = 0;    // 0: the model that training began with, or none
  double best_loss = 0;  // on the validation pictures; infinity: none
};

// In the folder of runs: ends a training after the update under way, as Ctrl-C does. Removed when it has been obeyed.
inline constexpr const char* stop_file_name = "STOP_TRAINING";

// Runs the job. Cancelling it, or the stop file, saves the state first, so that resuming goes on bit for bit (on the
// CPU, with the same number of threads) as if nothing had happened. Errors: unsupported (no torch engine; a network
// with a frame graph and fresh weights), invalid_argument (a teacher for other pictures), already_exists (another
// training, a left-over stop file), io, invalid_data (a checkpoint of another network; a loss that is no number, after
// which the last checkpoint is still there), those of the data set.
Result<TrainingResult> train(const TrainingJob& job);

}  // namespace framelift
