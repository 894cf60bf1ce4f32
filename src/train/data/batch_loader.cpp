#include "train/data/batch_loader.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <limits>
#include <new>
#include <utility>

#include "train/data/random_stream.h"
#include "train/data/tile.h"

namespace framelift {
namespace {

// The stream of an epoch's order has a key that no position has.
constexpr uint64_t order_key = std::numeric_limits<uint64_t>::max();

uint64_t epoch_key(int epoch) { return static_cast<uint64_t>(static_cast<int64_t>(epoch)); }

// Fisher and Yates' shuffle.
std::vector<size_t> shuffled(std::vector<size_t> indices, RandomStream random) {
  for (size_t i = indices.size(); i > 1; --i) std::swap(indices[i - 1], indices[random.below(i)]);
  return indices;
}

// Draws everything whether it is used or not, so that one option does not change what another one draws.
TileChoice choose_tile(const BatchOptions& options, RandomStream random) {
  TileChoice choice;
  choice.scale = random.uniform(options.scale_jitter_low, options.scale_jitter_high);
  choice.x = random.uniform();
  choice.y = random.uniform();
  choice.mirror_x = random.chance(0.5) && options.flip;
  choice.mirror_y = random.chance(0.5) && options.flip;
  return choice;
}

}  // namespace

BatchLoader::BatchLoader(const Dataset& dataset, std::vector<size_t> indices, BatchOptions options)
    : dataset_(dataset), indices_(std::move(indices)), options_(options) {
  assert(options.batch > 0 && options.tile > 0 && options.workers >= 0 && options.queued_batches > 0);
  made_.resize(static_cast<size_t>(options.queued_batches) + static_cast<size_t>(options.workers));
  for (int i = 0; i < options.workers; ++i) workers_.emplace_back([this] { work(); });
}

BatchLoader::~BatchLoader() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  batch_wanted_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

size_t BatchLoader::batches_per_epoch() const {
  const auto batch = static_cast<size_t>(options_.batch);
  return (indices_.size() + batch - 1) / batch;
}

void BatchLoader::start_epoch(int epoch) {
  auto begun =
      std::make_shared<const Epoch>(Epoch{epoch, shuffled(indices_, {options_.seed, epoch_key(epoch), order_key})});
  {
    std::lock_guard lock(mutex_);
    epoch_ = std::move(begun);
    begun_ = delivered_ = 0;
    for (auto& batch : made_) batch.reset();
    error_.reset();
  }
  batch_wanted_.notify_all();
}

Result<Batch> BatchLoader::make_batch(const Epoch& epoch, size_t number) const try {
  const int64_t count = options_.batch, tile = options_.tile;
  Batch batch;
  int64_t scale = 0, vector = 0;
  for (int64_t i = 0; i < count; ++i) {
    const size_t position = number * static_cast<size_t>(count) + static_cast<size_t>(i);
    FL_TRY(const Sample sample, dataset_.load(epoch.order[position % epoch.order.size()]));
    FL_TRY(const int sample_scale, target_scale(sample));
    if (i == 0) {
      scale = sample_scale;
      vector = sample.frame_vector.elements();
      batch.input = Tensor(DType::f32, {count, 3, tile, tile});
      if (scale > 0) batch.target = Tensor(DType::f32, {count, 3, tile * scale, tile * scale});
      if (vector > 0) batch.frame_vectors = Tensor(DType::f32, {count, vector});
    } else if (scale != sample_scale) {
      return fail(ErrorCode::invalid_data, "{}: has a target {} times as large, but {} one {} times as large",
                  sample.name, sample_scale, batch.names.front(), scale);
    }
    cut_tile(sample, choose_tile(options_, {options_.seed, epoch_key(epoch.number), position}), options_.tile,
             batch.input.as<float>() + i * (batch.input.elements() / count),
             scale > 0 ? batch.target.as<float>() + i * (batch.target.elements() / count) : nullptr);
    if (vector > 0) std::ranges::copy(sample.frame_vector.f32(), batch.frame_vectors.as<float>() + i * vector);
    batch.names.push_back(sample.name);
  }
  return batch;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::out_of_memory, "no memory for a training batch; use smaller batches or fewer workers");
}

void BatchLoader::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    batch_wanted_.wait(lock, [&] {
      return stopping_ || (epoch_ && begun_ < batches_per_epoch() && begun_ < delivered_ + made_.size());
    });
    if (stopping_) return;
    const auto epoch = epoch_;
    const size_t number = begun_++;
    lock.unlock();
    auto batch = make_batch(*epoch, number);
    lock.lock();
    if (epoch != epoch_) continue;  // start_epoch() came in between
    made_[number % made_.size()] = std::move(batch);
    batch_made_.notify_one();
  }
}

// Batch number delivered_ of this epoch.
Result<Batch> BatchLoader::take() {
  if (workers_.empty()) return make_batch(*epoch_, delivered_++);
  std::unique_lock lock(mutex_);
  auto& slot = made_[delivered_ % made_.size()];
  batch_made_.wait(lock, [&] { return slot.has_value(); });
  Result<Batch> batch = std::move(*slot);
  slot.reset();
  ++delivered_;
  lock.unlock();
  batch_wanted_.notify_one();
  return batch;
}

Result<std::optional<Batch>> BatchLoader::next() {
  if (error_) return fail(*error_);
  if (!epoch_ || delivered_ == batches_per_epoch()) return std::nullopt;
  const auto begin = std::chrono::steady_clock::now();
  auto batch = take();
  seconds_waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (batch) return std::optional<Batch>(std::move(*batch));
  error_ = std::move(batch.error());
  return fail(*error_);
}

}  // namespace framelift
