// A flag that asks a running job to stop early and leave its output playable. Safe to set from a signal handler.
#pragma once

#include <atomic>

namespace framelift {

class Cancellation {
 public:
  void request() { requested_.store(true, std::memory_order_relaxed); }
  bool requested() const { return requested_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> requested_{false};
  static_assert(std::atomic<bool>::is_always_lock_free);
};

}  // namespace framelift
