// Memory over time.
#pragma once

#include <stop_token>
#include <thread>
#include <vector>

#include "profile/trace.h"

namespace framelift {

// Samples the resident memory of this process (statm) on a thread of its own, from its making to stop(), into a counter
// of the trace. Once a period; samples double their distance when there are too many, so that its own memory is
// bounded.
class MemoryMonitor {
 public:
  struct Sample {
    double seconds = 0;  // since the trace was made
    int64_t resident_bytes = 0;
  };

  explicit MemoryMonitor(Trace& trace, std::chrono::milliseconds period = std::chrono::milliseconds(20));
  ~MemoryMonitor() { stop(); }
  MemoryMonitor(const MemoryMonitor&) = delete;
  MemoryMonitor& operator=(const MemoryMonitor&) = delete;

  void stop();  // takes a last sample; calling it again does nothing
  // After stop().
  const std::vector<Sample>& samples() const { return samples_; }

 private:
  void sample();
  void run(const std::stop_token& stop);

  Trace& trace_;
  int counter_;
  std::chrono::milliseconds period_;
  std::vector<Sample> samples_;
  std::jthread thread_;
};

}  // namespace framelift
