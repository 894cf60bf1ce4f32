// What a job measured about itself. Nothing here allocates while the job runs.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace framelift {

using Clock = std::chrono::steady_clock;
inline double seconds_between(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

// Distribution of durations in bins 5% wide from 1 microsecond up.
class DurationHistogram {
 public:
  void add(double seconds);
  int64_t count() const { return count_; }
  double total() const { return total_; }
  double mean() const { return count_ ? total_ / static_cast<double>(count_) : 0; }
  // The duration that a share `q` (0..1) of all stays below; accurate to a bin.
  double quantile(double q) const;

 private:
  static constexpr size_t bins = 512;
  std::array<int64_t, bins> counts_{};
  int64_t count_ = 0;
  double total_ = 0, largest_ = 0;
};

// Busy time of one stage. Owned by the stage's thread; busy_seconds() may be read by others while it runs.
class StageMeter {
 public:
  void add(double seconds) {
    durations_.add(seconds);
    busy_.store(durations_.total(), std::memory_order_relaxed);
  }
  double busy_seconds() const { return busy_.load(std::memory_order_relaxed); }
  const DurationHistogram& durations() const { return durations_; }
  void set_cpu_seconds(double seconds) { cpu_seconds_ = seconds; }
  double cpu_seconds() const { return cpu_seconds_; }

 private:
  DurationHistogram durations_;
  std::atomic<double> busy_{0};
  double cpu_seconds_ = 0;
};

// Adds the time until its end to a meter.
class StageTimer {
 public:
  explicit StageTimer(StageMeter& meter) : meter_(meter), begin_(Clock::now()) {}
  ~StageTimer() { meter_.add(seconds_between(begin_, Clock::now())); }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  StageMeter& meter_;
  Clock::time_point begin_;
};

// Time during which at least one network run is under way. Thread-safe.
class InFlightMeter {
 public:
  void begin();
  // `work`: how many seconds this run was in flight by itself.
  void end(Clock::time_point begun);
  double busy_seconds() const;
  DurationHistogram latencies() const;

 private:
  mutable std::mutex mutex_;
  int running_ = 0;
  Clock::time_point since_{};
  double busy_ = 0;
  DurationHistogram latencies_;
};

struct StageReport {
  std::string name;  // "decode", "preprocess", "network", "postprocess", "encode"
  double mean_ms = 0, p99_ms = 0;
  double busy_share = 0;  // of the job's wall time
  // CPU time of the stage's own thread; engines, decoders and encoders have further threads of their own.
  double cpu_seconds = 0;
};

struct JobReport {
  int64_t frames = 0;
  double seconds = 0;  // first frame asked for .. output complete
  double fps = 0;
  double low_1_percent_fps = 0;  // from the 99th percentile of the time between frames
  double network_seconds = 0;    // with at least one run under way
  double compile_seconds = 0;
  std::vector<StageReport> stages;
  std::string bottleneck;
  double cpu_seconds = 0;  // of the whole process, user + system
  int64_t peak_resident_bytes = 0;
  int64_t steady_resident_bytes = 0;  // once the pipeline was full
  int64_t end_resident_bytes = 0;
  double allocations_per_frame = -1;  // own heap allocations in the steady state; -1: not counted in this program
  std::string model, backend, precision, input, output;
  int streams = 0, tiles = 0, tile_width = 0, tile_height = 0;
  int64_t damaged_packets = 0;
  double max_cll_nits = 0, max_fall_nits = 0;  // light levels (CTA-861.3) of PQ output; 0: not measured
  double flicker_percent = -1;  // added to the source's (metrics/flicker.h), of jobs that make HDR; -1: not measured
  bool cancelled = false;
};

std::string to_json(const JobReport& report);

int64_t resident_bytes();       // of this process, now
int64_t peak_resident_bytes();  // since its start
double process_cpu_seconds();
double thread_cpu_seconds();  // of the calling thread

}  // namespace framelift
