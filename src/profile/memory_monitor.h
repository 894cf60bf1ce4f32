// Memory over time.
#pragma once

#include <functional>
#include <stop_token>
#include <thread>
#include <vector>

#include "profile/trace.h"

namespace framelift {

// Samples the resident memory of this process (statm), and a device's where there is one, on a thread of its own, from
// its making to stop(), into counters of the trace. Once a period; samples double their distance when there are too
// many, so that its own memory is bounded.
class MemoryMonitor {
 public:
  struct Sample {
    double seconds = 0;  // since the trace was made
    int64_t resident_bytes = 0, device_bytes = 0;
  };
  using DeviceBytes = std::function<int64_t()>;

  // `device`: bytes in use on the device, called on any thread; null: there is none.
  explicit MemoryMonitor(Trace& trace, DeviceBytes device = {},
                         std::chrono::milliseconds period = std::chrono::milliseconds(20));
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
  DeviceBytes device_;
  int counter_, device_counter_ = 0;
  std::chrono::milliseconds period_;
  std::vector<Sample> samples_;
  std::jthread thread_;
};

}  // namespace framelift
