// Everything that a job records about itself when asked to: the timeline, memory, and the network's operations.
#pragma once

#include "backend/backend.h"
#include "profile/memory_monitor.h"
#include "profile/trace.h"

namespace framelift {

// What the operations of a network took over all runs. One thread at a time.
class NetworkProfile {
 public:
  // Begins anew: rows of the timeline, one per request; the operations, which are copied.
  void attach(Trace& trace, const std::vector<Operation>& operations, size_t requests);
  // After a run of `request`, number `index`. The runs of the first frames are shown operation by operation, laid end
  // to end from the run's start: engines tell how long each took, not when it began.
  void add_run(InferRequest& request, int index, Clock::time_point begin, Clock::time_point end);

  const std::vector<Operation>& operations() const { return operations_; }
  const std::vector<double>& seconds() const { return totals_; }  // of each operation, all runs together
  int64_t runs() const { return runs_; }

 private:
  static constexpr int64_t runs_in_detail = 64;

  Trace* trace_ = nullptr;
  std::vector<int> rows_;
  std::vector<const char*> names_;
  std::vector<Operation> operations_;
  std::vector<double> totals_, last_;
  int64_t runs_ = 0;
};

// Lives as long as the job, and does not move.
struct Profile {
  // `device`: as MemoryMonitor's.
  explicit Profile(MemoryMonitor::DeviceBytes device = {}) : memory(trace, std::move(device)) {}

  Trace trace;
  MemoryMonitor memory;
  NetworkProfile network;
  double peak_flops = 0;  // a second, that the engine reaches here; 0: not measured
};

// What the engine reaches on a chain of 3x3 convolutions from 64 to 64 channels, 256x256 pixels, every stream busy:
// floating-point operations a second, for judging others by. Takes about half a second.
Result<double> measure_peak_flops(Backend& backend, const CompileOptions& options);

}  // namespace framelift
