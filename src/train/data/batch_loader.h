// Batches of random tiles for training, made ahead of time by threads of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "train/data/dataset.h"

namespace framelift {

struct BatchOptions {
  int batch = 2;   // tiles a batch, at least 1
  int tile = 256;  // side of the input's tiles in pixels, at least 1; targets of super-resolution are larger
  // Each sample is scaled by a random factor from this range before its tile is cut; 1, 1: not at all.
  double scale_jitter_low = 0.9, scale_jitter_high = 1.1;
  bool flip = false;  // mirror half of the tiles left to right, and half of them top to bottom
  uint64_t seed = 42;
  int workers = 2;         // threads; 0: next() makes each batch itself
  int queued_batches = 4;  // finished ones that wait for next(), at least 1
};

struct Batch {
  Tensor input, target;    // f32 [N, 3, tile, tile]; target [N, 3, tile * k, tile * k] for super-resolution, or empty
  Tensor frame_vectors{};  // [N, C]; empty where samples have none
  std::vector<std::string> names;  // of the N samples

  // What the network gets, in its order.
  std::vector<TensorView> inputs() {
    if (frame_vectors.empty()) return {input.view()};
    return {input.view(), frame_vectors.view()};
  }
};

// An epoch goes through the samples in random order; each gives one tile. Its batches are all full: the last one is
// filled up from the epoch's beginning.
// Order, scales and tiles are functions of (seed, epoch, position in the epoch): bit for bit the same for any number of
// workers. Memory: at most queued_batches + workers batches, and one whole sample for each worker (one without
// workers). For one thread at a time. The dataset must outlive the loader.
class BatchLoader {
 public:
  BatchLoader(const Dataset& dataset, std::vector<size_t> indices, BatchOptions options);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // Begins an epoch at its first batch; what is left of the one before is dropped. Epochs may come in any order.
  void start_epoch(int epoch);
  // The next batch; nothing at the epoch's end and before the first start_epoch(). Errors: those of Dataset::load(),
  // invalid_data (a sample of another kind than the others of its batch). A sample that cannot be read is not passed
  // over, because that would change all that follows; the epoch ends with the error, and next() repeats it.
  Result<std::optional<Batch>> next();
  size_t batches_per_epoch() const;
  // How long next() has kept its caller waiting, all epochs together.
  double seconds_waited() const { return seconds_waited_; }

 private:
  struct Epoch {
    int number = 0;
    std::vector<size_t> order;
  };
  Result<Batch> make_batch(const Epoch& epoch, size_t number) const;
  Result<Batch> take();
  void work();

  const Dataset& dataset_;
  std::vector<size_t> indices_;
  BatchOptions options_;
  double seconds_waited_ = 0;

  std::mutex mutex_;
  std::condition_variable batch_wanted_, batch_made_;
  bool stopping_ = false;
  std::shared_ptr<const Epoch> epoch_;              // none before the first
  size_t begun_ = 0, delivered_ = 0;                // batches of this epoch
  std::vector<std::optional<Result<Batch>>> made_;  // batch n at n % size
  std::optional<Error> error_;                      // that ended the epoch
  std::vector<std::thread> workers_;
};

}  // namespace framelift
