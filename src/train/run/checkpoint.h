// Everything that training needs to go on as if it had never stopped, in one file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>

#include "base/result.h"
#include "graph/graph.h"

namespace framelift {

// How far training has come.
struct TrainingProgress {
  int epoch = 0;                                               // epochs that are complete
  int64_t batches = 0;                                         // of the next epoch, when it was left in the middle
  int64_t step = 0;                                            // updates of the weights
  double loss_sum = 0;                                         // over those batches
  double gradient_sum = 0;                                     // of the gradient's norms over their updates
  int best_epoch = 0;                                          // 0: the start, or none yet
  double best_loss = std::numeric_limits<double>::infinity();  // of the validation
};

struct Checkpoint {
  Parameters parameters;       // of the network, under their own names
  Parameters optimiser_state;  // Learner::optimiser_state()
  TrainingProgress progress;
  // For people and for checks when resuming: "network", "hyper", "tile", "overlap", "scale_hdr", "alpha", "notes",
  // "data_digest", "loss", ... (trainer.cpp). Keys without a dot.
  std::map<std::string, std::string> notes;
};

// safetensors: the weights, the optimiser's tensors as "optimiser.<name>", progress and notes as "training.<key>" in
// the metadata with a SHA-256 of all tensors. Whole or not at all: a temporary file, fsync, rename; on failure (a full
// disk) what was at `path` stays.
Status write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

// Errors name the file: not found, truncated or changed (invalid_data), no checkpoint (unsupported).
Result<Checkpoint> read_checkpoint(const std::filesystem::path& path);

}  // namespace framelift
