// Batches of tiles cut at random from the pictures of a data set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "train/data/dataset.h"

namespace framelift {

struct BatchOptions {
  int batch = 2;
  int tile = 256;  // edge of the input's tiles in pixels
  double scale_jitter_low = 0.9, scale_jitter_high = 1.1;
  bool flip = false;
  uint64_t seed = 42;
  int workers = 2;
  int queued_batches = 4;
};

// [N,3,tile,tile] each; the target's tiles are larger for super-resolution. N is `batch`, or less at an epoch's end.
struct Batch {
  Tensor input, target;
  std::vector<std::string> names;
};

// What an epoch holds depends on the options and the epoch alone, not on threads or on earlier epochs. Not thread-safe.
class BatchLoader {
 public:
  // `dataset` outlives the loader; indices are into it.
  BatchLoader(const Dataset& dataset, std::vector<size_t> indices, BatchOptions options);

  // Begins an epoch, also in the middle of another.
  void start_epoch(int epoch);
  // nullopt at the epoch's end.
  Result<std::optional<Batch>> next();
  size_t batches_per_epoch() const;
  // How long next() has waited for pictures so far, in all.
  double seconds_waited() const;

 private:
  const Dataset& dataset_;
  std::vector<size_t> indices_, order_;
  BatchOptions options_;
  size_t position_ = 0;
  uint64_t epoch_seed_ = 0;
  double seconds_waited_ = 0;
};

}  // namespace framelift
