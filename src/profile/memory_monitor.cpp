#include "profile/memory_monitor.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "profile/statistics.h"

namespace framelift {
namespace {
constexpr size_t most_samples = 4096;
}

MemoryMonitor::MemoryMonitor(Trace& trace, DeviceBytes device, std::chrono::milliseconds period)
    : trace_(trace), device_(std::move(device)), counter_(trace.add_counter("resident MB")), period_(period) {
  if (device_) device_counter_ = trace.add_counter("device MB");
  samples_.reserve(most_samples);
  sample();
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void MemoryMonitor::sample() {
  const auto now = Clock::now();
  const int64_t bytes = resident_bytes(), on_device = device_ ? device_() : 0;
  samples_.push_back({trace_.seconds_at(now), bytes, on_device});
  if (on_device > 0) trace_.add_value(device_counter_, now, static_cast<double>(on_device) * 1e-6);
  trace_.add_value(counter_, now, static_cast<double>(bytes) * 1e-6);
}

void MemoryMonitor::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any asleep;
  std::unique_lock lock(mutex);
  while (!asleep.wait_for(lock, stop, period_, [&] { return stop.stop_requested(); })) {
    sample();
    if (samples_.size() + 1 < most_samples) continue;
    for (size_t i = 0; 2 * i < samples_.size(); ++i) samples_[i] = samples_[2 * i];
    samples_.resize((samples_.size() + 1) / 2);
    period_ *= 2;
  }
}

void MemoryMonitor::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  sample();
}

}  // namespace framelift
