#include "pipeline/batching/dynamic_batcher.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace framelift {

struct DynamicBatcher::Pending {
  Request request;
  Clock::time_point arrived{};
  std::optional<BatchResult> result;
};

Result<std::unique_ptr<DynamicBatcher>> DynamicBatcher::create(const BatchPolicy& policy,
                                                               std::unique_ptr<BatchRunner> runner) {
  FL_CHECK(check_policy(policy));
  std::unique_ptr<DynamicBatcher> batcher(new DynamicBatcher(policy, std::move(runner)));
  for (int lane = 0; lane < policy.lanes; ++lane)
    batcher->threads_.emplace_back([b = batcher.get(), lane] { b->work(lane); });
  return batcher;
}

DynamicBatcher::DynamicBatcher(const BatchPolicy& policy, std::unique_ptr<BatchRunner> runner)
    : policy_(policy), runner_(std::move(runner)), queue_(policy) {
  statistics_.batches_of_size.resize(static_cast<size_t>(policy.max_batch) + 1);
}

DynamicBatcher::~DynamicBatcher() { stop(); }

Status DynamicBatcher::submit(Request request) {
  std::lock_guard lock(mutex_);
  if (stopped_) return fail(ErrorCode::cancelled, "the batcher has been stopped");
  auto pending = std::make_shared<Pending>(Pending{std::move(request), Clock::now(), {}});
  const Request& r = pending->request;
  if (!queue_.add({next_id_, r.stream, r.priority, r.deadline, pending->arrived}))
    return fail(ErrorCode::out_of_memory, "{} requests are waiting already; submit fewer at a time",
                policy_.max_queued);
  streams_[r.stream].in_order.push_back(pending);
  pending_.emplace(next_id_++, std::move(pending));
  ++undelivered_;
  ++statistics_.requests;
  changed_.notify_one();
  return {};
}

void DynamicBatcher::work(int lane) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto now = Clock::now();
    std::vector<int64_t> touched;
    for (const uint64_t id : queue_.take_expired(now)) {
      touched.push_back(pending_.at(id)->request.stream);
      ++statistics_.expired;
      finish(id,
             {fail(ErrorCode::cancelled, "the deadline has passed"), seconds_between(pending_.at(id)->arrived, now)});
    }
    for (const int64_t stream : touched) deliver(lock, stream);
    if (!touched.empty()) continue;
    const auto ids = queue_.take_batch(now, draining_ > 0);
    if (!ids.empty()) {
      run_batch(lock, lane, ids);
      continue;
    }
    if (stopped_) return;
    const auto next = queue_.next_time();
    if (next == BatchQueue::never)
      changed_.wait(lock);
    else
      changed_.wait_until(lock, next);
  }
}

void DynamicBatcher::run_batch(std::unique_lock<std::mutex>& lock, int lane, const std::vector<uint64_t>& ids) {
  std::vector<BatchRunner::Item> items;
  for (const uint64_t id : ids) {
    const Request& r = pending_.at(id)->request;
    items.push_back({r.input, r.output, policy_.one_per_stream ? &streams_.at(r.stream).state : nullptr});
  }
  ++statistics_.batches;
  ++statistics_.batches_of_size[ids.size()];
  changed_.notify_one();  // what is left may be another lane's batch
  lock.unlock();
  const auto begin = Clock::now();
  const Status status = runner_->run(lane, items);
  const auto end = Clock::now();
  lock.lock();
  std::vector<int64_t> touched;
  for (const uint64_t id : ids) {
    const Pending& p = *pending_.at(id);
    touched.push_back(p.request.stream);
    if (policy_.one_per_stream) queue_.end_run(p.request.stream);
    finish(id, {status, seconds_between(p.arrived, begin), seconds_between(begin, end), static_cast<int>(ids.size())});
  }
  changed_.notify_all();
  for (const int64_t stream : touched) deliver(lock, stream);
}

void DynamicBatcher::finish(uint64_t id, BatchResult result) {
  const auto found = pending_.find(id);
  found->second->result = std::move(result);
  pending_.erase(found);
}

// Calls `done` for what has a result and nothing undelivered of its stream before it, one thread at a time.
void DynamicBatcher::deliver(std::unique_lock<std::mutex>& lock, int64_t stream_id) {
  const auto found = streams_.find(stream_id);
  if (found == streams_.end() || found->second.delivering) return;
  Stream& stream = found->second;
  stream.delivering = true;
  while (!stream.in_order.empty() && stream.in_order.front()->result) {
    const std::shared_ptr<Pending> pending = std::move(stream.in_order.front());
    stream.in_order.pop_front();
    statistics_.latency.add(seconds_between(pending->arrived, Clock::now()));
    lock.unlock();
    pending->request.done(*pending->result);
    lock.lock();
    if (--undelivered_ == 0) idle_.notify_all();
  }
  stream.delivering = false;
  // Streams without state need no memory of them.
  if (stream.in_order.empty() && !policy_.one_per_stream) streams_.erase(found);
}

void DynamicBatcher::drain() {
  std::unique_lock lock(mutex_);
  ++draining_;
  changed_.notify_all();
  idle_.wait(lock, [&] { return undelivered_ == 0; });
  --draining_;
}

void DynamicBatcher::stop() {
  {
    std::unique_lock lock(mutex_);
    stopped_ = true;
    std::vector<int64_t> touched;
    for (const uint64_t id : queue_.take_expired(BatchQueue::never)) {
      touched.push_back(pending_.at(id)->request.stream);
      finish(id, {fail(ErrorCode::cancelled, "the batcher has been stopped")});
    }
    for (const int64_t stream : touched) deliver(lock, stream);
    changed_.notify_all();
    idle_.wait(lock, [&] { return undelivered_ == 0; });
  }
  threads_.clear();
}

DynamicBatcher::Statistics DynamicBatcher::statistics() const {
  std::lock_guard lock(mutex_);
  return statistics_;
}

namespace {

class NetworkBatches final : public BatchRunner {
 public:
  struct Size {
    int pictures = 1;
    std::unique_ptr<Executable> executable;
    std::vector<std::unique_ptr<InferRequest>> lanes;
  };

  explicit NetworkBatches(std::vector<Size> sizes) : sizes_(std::move(sizes)) {}

  Status run(int lane, std::span<const Item> items) override {
    const auto fits = [&](const Size& s) { return s.pictures >= static_cast<int>(items.size()); };
    InferRequest& request = *std::ranges::find_if(sizes_, fits)->lanes[static_cast<size_t>(lane)];
    const auto part = [](TensorView batch, const TensorView& one, size_t index) {
      return static_cast<std::byte*>(batch.data) + index * one.bytes();
    };
    for (size_t i = 0; i < items.size(); ++i)
      std::memcpy(part(request.input(0), items[i].input, i), items[i].input.data, items[i].input.bytes());
    FL_CHECK(request.start());
    FL_CHECK(request.wait());
    for (size_t i = 0; i < items.size(); ++i)
      std::memcpy(items[i].output.data, part(request.output(0), items[i].output, i), items[i].output.bytes());
    return {};
  }

 private:
  std::vector<Size> sizes_;
};

}  // namespace

Result<std::unique_ptr<BatchRunner>> network_batches(const Network& network, Backend& backend,
                                                     const CompileOptions& options, int height, int width,
                                                     std::vector<int> sizes, int lanes) {
  std::ranges::sort(sizes);
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  std::vector<NetworkBatches::Size> made;
  for (const int pictures : sizes) {
    FL_TRY(const Graph graph, network.build(pictures, height, width));
    NetworkBatches::Size size{pictures, nullptr, {}};
    FL_TRY(size.executable, backend.compile(graph, network.parameters, options));
    for (int lane = 0; lane < lanes; ++lane) {
      FL_TRY(auto request, size.executable->create_request());
      size.lanes.push_back(std::move(request));
    }
    made.push_back(std::move(size));
  }
  return std::make_unique<NetworkBatches>(std::move(made));
}

}  // namespace framelift
