#include "backend/lut/table_engine.h"

#include <pthread.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace framelift {
namespace {

// Large enough that taking one costs nothing, small enough that threads which lost their core for a while do not keep
// the others waiting: about 50 us. A multiple of every vector length.
constexpr size_t chunk_pixels = 16384;

}  // namespace

Result<std::unique_ptr<TableEngine>> TableEngine::create(std::unique_ptr<Executable> network, const ColorGrid& grid,
                                                         int threads) {
  std::array<Batch, 2> batches;
  for (Batch& batch : batches) {
    FL_TRY(batch.request, network->create_request());
    for (size_t i = 0; i < network->inputs().size(); ++i)
      std::ranges::fill(batch.request->input(static_cast<int>(i)).f32(), 0.0f);
    batch.points.resize(static_cast<size_t>(network->inputs()[0].shape.elements() / 3));
  }
  return std::unique_ptr<TableEngine>(new TableEngine(std::move(network), std::move(batches), grid, threads));
}

TableEngine::TableEngine(std::unique_ptr<Executable> network, std::array<Batch, 2> batches, const ColorGrid& grid,
                         int threads)
    : network_(std::move(network)), batches_(std::move(batches)), table_(grid), team_(threads) {
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
  adopt_others(job);
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

// Inputs of a moving scene all differ, those of a still one are equal to the last bit. Whatever is between starts a new
// table: how far the result moves with the inputs is not known for networks in general.
void TableEngine::adopt_others(const Job& job) {
  bool same = true;
  for (Batch& batch : batches_)
    for (size_t i = 0; i < job.others.size(); ++i) {
      const TensorView to = batch.request->input(static_cast<int>(i) + 1), &from = job.others[i];
      same = same && std::memcmp(to.data, from.data, from.bytes()) == 0;
      std::memcpy(to.data, from.data, from.bytes());
    }
  if (!same) table_.forget();
}

Status TableEngine::compute_wanted() {
  ColorTable::Cursor cursor;
  Status status;
  for (size_t turn = 0; status; ++turn) {
    Batch& batch = batches_[turn % 2];
    status = finish(batch);
    if (!status) break;
    const size_t capacity = batch.points.size();
    const size_t count = table_.next_batch(cursor, batch.request->input(0).as<float>(), batch.points.data(), capacity);
    if (count == 0) break;
    status = batch.request->start();
    if (status) batch.count = count;
  }
  for (Batch& batch : batches_)
    if (Status last = finish(batch); status) status = std::move(last);
  return status;
}

// Waits for the batch, if it runs, and enters its values in the table.
Status TableEngine::finish(Batch& batch) {
  const size_t count = std::exchange(batch.count, 0);
  if (count == 0) return {};
  FL_CHECK(batch.request->wait());
  table_.set(batch.points.data(), count, batch.request->output(0).as<float>(), batch.points.size());
  return {};
}

}  // namespace framelift
