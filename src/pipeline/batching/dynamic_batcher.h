// Requests of many callers run in batches: what each needs is asked for by itself, and what a device does best is many
// at once. (The rules are those that inference servers call dynamic batching; see batch_queue.h.)
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "backend/backend.h"
#include "network/network.h"
#include "pipeline/batching/batch_queue.h"
#include "profile/statistics.h"

namespace framelift {

// What runs a batch. Called from several threads at a time, once per lane.
class BatchRunner {
 public:
  struct Item {
    TensorView input, output;              // of one request: the network's shapes with a batch of 1
    std::vector<Tensor>* state = nullptr;  // of the request's stream; empty at its first request
  };

  virtual ~BatchRunner() = default;
  virtual Status run(int lane, std::span<const Item> items) = 0;
};

struct BatchResult {
  Status status;  // `cancelled`: the deadline passed, or the batcher was stopped, before its run began
  double queued_seconds = 0, run_seconds = 0;
  int batch = 0;  // requests in its batch; 0: it did not run
};

// Thread-safe. Results of one stream come in the order of its requests, whatever the order of their batches; each
// request has exactly one.
class DynamicBatcher {
 public:
  struct Request {
    int64_t stream = 0;
    int priority = 0;
    BatchQueue::Time deadline = BatchQueue::never;
    TensorView input, output;  // the caller's, until `done` has returned
    // On a thread of the batcher, one call at a time for a stream. May submit; must not wait for other results.
    std::function<void(const BatchResult&)> done;
  };

  struct Statistics {
    int64_t requests = 0, expired = 0, batches = 0;
    std::vector<int64_t> batches_of_size;  // index: requests in the batch
    DurationHistogram latency;             // from submit() to `done`
  };

  // `runner` serves as many lanes as the policy says. Errors: check_policy.
  static Result<std::unique_ptr<DynamicBatcher>> create(const BatchPolicy& policy, std::unique_ptr<BatchRunner> runner);
  ~DynamicBatcher();  // as stop()
  DynamicBatcher(const DynamicBatcher&) = delete;
  DynamicBatcher& operator=(const DynamicBatcher&) = delete;

  // Errors: out_of_memory (too many are waiting: come again), cancelled (stopped). Then `done` is not called.
  Status submit(Request request);
  // Waits until every request has its result; those that wait for company leave at once.
  void drain();
  // Requests that wait get `cancelled`, those that run their results; returns when all have them.
  void stop();
  Statistics statistics() const;

 private:
  struct Pending;

  DynamicBatcher(const BatchPolicy& policy, std::unique_ptr<BatchRunner> runner);
  void work(int lane);
  void run_batch(std::unique_lock<std::mutex>& lock, int lane, const std::vector<uint64_t>& ids);
  void finish(uint64_t id, BatchResult result);
  void deliver(std::unique_lock<std::mutex>& lock, int64_t stream);

  BatchPolicy policy_;
  std::unique_ptr<BatchRunner> runner_;
  mutable std::mutex mutex_;
  std::condition_variable changed_, idle_;
  BatchQueue queue_;
  std::map<uint64_t, std::shared_ptr<Pending>> pending_;  // by id; out of here when `done` is about to be called

  struct Stream {
    std::deque<std::shared_ptr<Pending>> in_order;  // requests without a delivered result
    bool delivering = false;
    std::vector<Tensor> state;
  };
  std::map<int64_t, Stream> streams_;
  size_t undelivered_ = 0;
  int draining_ = 0;
  bool stopped_ = false;
  uint64_t next_id_ = 0;
  Statistics statistics_;
  std::vector<std::jthread> threads_;
};

// Runs a network without state on batches: compiled for each of `sizes` pictures, and a batch takes the smallest that
// holds it. Everything is compiled and allocated here. Errors: those of building and compiling.
Result<std::unique_ptr<BatchRunner>> network_batches(const Network& network, Backend& backend,
                                                     const CompileOptions& options, int height, int width,
                                                     std::vector<int> sizes, int lanes);

}  // namespace framelift
