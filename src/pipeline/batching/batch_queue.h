// Which requests run together, and when: the rules of the dynamic batcher without threads or clocks of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "base/result.h"

namespace framelift {

struct BatchPolicy {
  int max_batch = 8;           // 1 or more
  std::vector<int> preferred;  // sizes for which a batch leaves at once, 1..max_batch; empty: max_batch alone
  // The longest that a request waits for others once a lane is free; 0: it does not wait.
  std::chrono::microseconds timeout{2000};
  int lanes = 1;                // batches under way at a time, 1 or more
  bool one_per_stream = false;  // a stream's next request waits for its last one's result: for networks with state
  size_t max_queued = 4096;     // more are refused; 1 or more
};

// Errors: invalid_argument.
Status check_policy(const BatchPolicy& policy);

// Requests wait in the order of their stream: an urgent request also hurries those of its stream before it. Among
// streams the highest priority goes first, then the earliest deadline, then the oldest. Not thread-safe.
class BatchQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr Time never = Time::max();

  struct Request {
    uint64_t id = 0;        // chosen by the caller, each once
    int64_t stream = 0;     // whose results come in order
    int priority = 0;       // higher goes first
    Time deadline = never;  // to begin by
    Time arrived{};
  };

  // `policy` is good (check_policy).
  explicit BatchQueue(const BatchPolicy& policy);

  // False: the queue is full.
  bool add(const Request& request);
  size_t size() const { return size_; }

  // Requests whose deadline has passed without their run having begun. They are out of the queue.
  std::vector<uint64_t> take_expired(Time now);
  // The next batch if one should leave at `now`: as many as the largest preferred size that is there, or, when the
  // oldest has waited long enough or `flush` says so, all up to max_batch. Empty: none yet.
  std::vector<uint64_t> take_batch(Time now, bool flush = false);
  // When to ask again if nothing arrives or ends before; `never`: not at all.
  Time next_time() const;
  // A request of this stream has its result (one_per_stream).
  void end_run(int64_t stream) { busy_.erase(stream); }

 private:
  struct Stream {
    std::deque<Request> waiting;
    // The highest priority and earliest deadline of all that wait: what the first in line counts as.
    int priority() const;
    Time deadline() const;
  };

  // How many could leave together now.
  int ready() const;
  Time oldest() const;

  BatchPolicy policy_;
  std::map<int64_t, Stream> streams_;  // those with waiting requests
  std::set<int64_t> busy_;             // streams with a run under way, where only one may be
  size_t size_ = 0;
};

}  // namespace framelift
