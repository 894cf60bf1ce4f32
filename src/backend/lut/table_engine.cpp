#include "backend/lut/table_engine.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace framelift {
namespace {

// Large enough that taking one costs nothing, small enough that threads which lost their core for a while do not keep
// the others waiting: about 50 us. A multiple of every vector length.
constexpr size_t chunk_pixels = 16384;

}  // namespace

TableEngine::TableEngine(std::unique_ptr<PointFunction> network, const ColorGrid& grid, int threads)
    : network_(std::move(network)), table_(grid), team_(threads) {
  server_ = std::thread([this] { serve(); });
}

TableEngine::~TableEngine() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  submitted_.notify_one();
  server_.join();
}

void TableEngine::start(Job& job) {
  {
    std::lock_guard lock(mutex_);
    job.next = nullptr;
    job.pending = true;
    (last_ ? last_->next : first_) = &job;
    last_ = &job;
  }
  submitted_.notify_one();
}

Status TableEngine::wait(Job& job) {
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [&] { return !job.pending; });
  return std::exchange(job.status, Status{});
}

void TableEngine::serve() {
  pthread_setname_np(pthread_self(), "lut");
  std::unique_lock lock(mutex_);
  for (;;) {
    submitted_.wait(lock, [&] { return stopping_ || first_; });
    if (!first_) return;
    Job& job = *first_;
    lock.unlock();
    Status status = run(job);
    lock.lock();
    first_ = job.next;
    if (!first_) last_ = nullptr;
    job.status = std::move(status);
    job.pending = false;
    finished_.notify_all();
  }
}

Status TableEngine::run(const Job& job) {
  if (network_->adopt(job.others)) table_.forget();
  const auto pixels = static_cast<size_t>(job.picture.shape[2] * job.picture.shape[3]);
  const float* const in = job.picture.as<float>();
  float* const out = job.result.as<float>();
  team_.for_chunks(pixels, chunk_pixels, [&](size_t begin, size_t end) {
    table_.want({in + begin, in + pixels + begin, in + 2 * pixels + begin}, end - begin);
  });
  if (Status status = compute_wanted(); !status) {
    table_.forget();  // points of a batch that failed count as known
    return status;
  }
  team_.for_chunks(pixels, chunk_pixels, [&](size_t begin, size_t end) {
    table_.apply({in + begin, in + pixels + begin, in + 2 * pixels + begin}, end - begin,
                 {out + begin, out + pixels + begin, out + 2 * pixels + begin});
  });
  return {};
}

Status TableEngine::compute_wanted() {
  std::mutex mutex;
  Status status;
  const auto planes = static_cast<size_t>(table_.grid().points);
  const size_t share = network_->prefers_few_calls() ? (planes + team_.threads() - 1) / team_.threads() : 1;
  team_.for_chunks(planes, share, [&](size_t begin, size_t end) {
    if (Status filled = network_->fill(table_, static_cast<int>(begin), static_cast<int>(end)); !filled) {
      std::lock_guard lock(mutex);
      status = std::move(filled);
    }
  });
  return status;
}

}  // namespace framelift
