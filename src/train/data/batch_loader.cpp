#include "train/data/batch_loader.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>

namespace framelift {
namespace {

using Clock = std::chrono::steady_clock;

// Copies a square of `edge` pixels from (x, y) of a picture [1,3,H,W] into element n of a batch [N,3,edge,edge].
void cut(const Tensor& picture, int64_t x, int64_t y, Tensor& batch, int64_t n) {
  const int64_t height = picture.shape()[2], width = picture.shape()[3], edge = batch.shape()[3];
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t row = 0; row < edge; ++row)
      std::memcpy(batch.as<float>() + ((n * 3 + c) * edge + row) * edge,
                  picture.as<float>() + (c * height + y + row) * width + x, static_cast<size_t>(edge) * sizeof(float));
}

}  // namespace

BatchLoader::BatchLoader(const Dataset& dataset, std::vector<size_t> indices, BatchOptions options)
    : dataset_(dataset), indices_(std::move(indices)), options_(options) {}

void BatchLoader::start_epoch(int epoch) {
  std::mt19937_64 random(options_.seed + static_cast<uint64_t>(epoch));
  order_ = indices_;
  for (size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random() % i]);
  epoch_seed_ = random();
  position_ = 0;
}

Result<std::optional<Batch>> BatchLoader::next() {
  const auto begin = Clock::now();
  const size_t count = std::min(static_cast<size_t>(options_.batch), order_.size() - position_);
  if (count == 0) return std::nullopt;
  Batch batch;
  for (size_t n = 0; n < count; ++n, ++position_) {
    FL_TRY(const Sample sample, dataset_.load(order_[position_]));
    const int64_t height = sample.input.shape()[2], width = sample.input.shape()[3], tile = options_.tile;
    const int64_t scale = sample.target.shape()[3] / width;
    if (width < tile || height < tile)
      return fail(ErrorCode::invalid_data, "{}: is {}x{} pixels, smaller than a tile of {}; use a smaller --tile",
                  sample.name, width, height, tile);
    if (n == 0) {
      const auto size = static_cast<int64_t>(count);
      batch.input = Tensor(DType::f32, {size, 3, tile, tile});
      batch.target = Tensor(DType::f32, {size, 3, tile * scale, tile * scale});
    }
    std::mt19937_64 random(epoch_seed_ + position_);
    const auto x = static_cast<int64_t>(random() % static_cast<uint64_t>(width - tile + 1));
    const auto y = static_cast<int64_t>(random() % static_cast<uint64_t>(height - tile + 1));
    cut(sample.input, x, y, batch.input, static_cast<int64_t>(n));
    cut(sample.target, x * scale, y * scale, batch.target, static_cast<int64_t>(n));
    batch.names.push_back(sample.name);
  }
  seconds_waited_ += std::chrono::duration<double>(Clock::now() - begin).count();
  return batch;
}

size_t BatchLoader::batches_per_epoch() const {
  const auto batch = static_cast<size_t>(options_.batch);
  return (indices_.size() + batch - 1) / batch;
}

double BatchLoader::seconds_waited() const { return seconds_waited_; }

}  // namespace framelift
