// What a job measured about itself. Nothing here allocates while the job runs.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "frame/frame.h"
#include "profile/trace.h"

namespace framelift {

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

// What the thread of a stage does at a time.
enum class StageTime : uint8_t {
  busy,
  finishing,  // busy once, after the last frame
  waiting_for_input,
  waiting_for_room,  // in what comes after it
};

// What one stage spends its time on. Owned by the stage's thread; busy_seconds() may be read by others while it runs.
class StageMeter {
 public:
  // From now on every span also goes into a row of the trace.
  void attach(Trace& trace, int track) {
    trace_ = &trace;
    track_ = track;
  }
  void add(StageTime what, Clock::time_point begin, Clock::time_point end);
  // Spans from here on belong to the next frame.
  void end_frame() { ++frame_; }

  double busy_seconds() const { return busy_.load(std::memory_order_relaxed); }  // with finishing
  double waiting_for_input() const { return waiting_for_input_; }
  double waiting_for_room() const { return waiting_for_room_; }
  const DurationHistogram& durations() const { return durations_; }  // busy
  void set_cpu_seconds(double seconds) { cpu_seconds_ = seconds; }
  double cpu_seconds() const { return cpu_seconds_; }

 private:
  DurationHistogram durations_;
  std::atomic<double> busy_{0};
  double waiting_for_input_ = 0, waiting_for_room_ = 0, cpu_seconds_ = 0;
  Trace* trace_ = nullptr;
  int track_ = 0;
  int64_t frame_ = 0;
};

// Adds the time until its end to a meter.
class StageTimer {
 public:
  explicit StageTimer(StageMeter& meter, StageTime what = StageTime::busy)
      : meter_(meter), what_(what), begin_(Clock::now()) {}
  ~StageTimer() { meter_.add(what_, begin_, Clock::now()); }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  StageMeter& meter_;
  StageTime what_;
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

// Judges when frames were finished against a target rate. Frame k (from 0) is due k/rate seconds after frame 0.
// - It is late when it is finished more than one frame period after that.
// - Estimated drops: the frames that a player keeping to the clock would not have shown. It takes the frames in order,
//   each costs it the time that passed here since the one before, and it skips at no cost every frame whose period was
//   over before the player came to it. In the long run a job at half the target rate drops half of the frames.
// One thread at a time.
class DeadlineMeter {
 public:
  explicit DeadlineMeter(double rate) : period_(rate > 0 ? 1 / rate : 0) {}  // 0: unknown, nothing is judged

  // `seconds`: when the next frame was finished, on any clock.
  void add(double seconds);
  int64_t late_frames() const { return late_; }
  int64_t estimated_drops() const { return drops_; }

 private:
  double period_;
  int64_t frames_ = 0, late_ = 0, drops_ = 0;
  double first_ = 0, last_ = 0;
  double player_ = 0;  // when the player is done with the frames so far, from frame 0
};

enum Stage : uint8_t { stage_decode, stage_preprocess, stage_network, stage_postprocess, stage_encode, stage_count };
inline constexpr std::array<const char*, stage_count> stage_names{"decode", "preprocess", "network", "postprocess",
                                                                  "encode"};
using StageSeconds = std::array<double, stage_count>;
// The stage with the most seconds.
const char* limiting_stage(const StageSeconds& busy);

// What happened since the last report of this kind.
struct IntervalReport {
  int64_t frames = 0;  // written since the start of the job
  double fps = 0;
  double low_1_percent_fps = 0;
  int64_t late_frames = 0, estimated_drops = 0;
  // Time each stage was busy, per frame; the network with at least one run under way.
  StageSeconds stage_seconds{};
  const char* limiting_stage = "";
};

// Collects IntervalReports. Allocates nothing.
class IntervalMeter {
 public:
  // Another frame was finished, `seconds_since_last` after the one before (or after the job's start).
  void add_frame(double seconds_since_last) { durations_.add(seconds_since_last); }
  int64_t frames() const { return durations_.count(); }
  // The report since the last call, from the totals up to now.
  IntervalReport take(int64_t frames, const StageSeconds& busy, const DeadlineMeter& deadlines);

 private:
  DurationHistogram durations_;
  StageSeconds busy_before_{};
  int64_t late_before_ = 0, drops_before_ = 0;
};

struct StageReport {
  std::string name;  // "decode", "preprocess", "network", "postprocess", "encode"
  double mean_ms = 0, p99_ms = 0;
  double busy_share = 0;  // of the job's wall time
  // What the stage's thread did in the rest of it, until its last frame: waiting for the stage before, and for room in
  // the stage after. The network has no thread of its own, and 0 here.
  double waiting_for_input_share = 0, waiting_for_room_share = 0;
  // CPU time of the stage's own thread; engines, decoders and encoders have further threads of their own.
  double cpu_seconds = 0;
};

struct PoolReport {
  std::string name;
  PoolUse use;
};

struct JobReport {
  int64_t frames = 0;
  double seconds = 0;  // first frame asked for .. output complete
  double fps = 0;
  double low_1_percent_fps = 0;  // from the 99th percentile of the time between frames
  double network_seconds = 0;    // with at least one run under way
  double target_fps = 0;         // late frames and drops are judged by it (DeadlineMeter); 0: unknown, not judged
  int64_t late_frames = 0, estimated_drops = 0;
  double compile_seconds = 0;   // until the networks were ready to run, read from the cache or made
  bool compile_cached = false;  // every network came from the cache on disk
  int warm_up = 0;              // unmeasured runs of the network before the first frame
  std::vector<StageReport> stages;
  std::string bottleneck;
  double cpu_seconds = 0;  // of the whole process, user + system
  int64_t peak_resident_bytes = 0;
  int64_t steady_resident_bytes = 0;  // once the pipeline was full
  int64_t end_resident_bytes = 0;
  int64_t device_bytes = 0;  // of the engine's device, at the job's end; 0: it is the host
  // Pieces of memory that frames and runs of the network take turns in.
  std::vector<PoolReport> pools;
  double allocations_per_frame = -1;  // own heap allocations in the steady state; -1: not counted in this program
  std::string model, backend, precision, input, output;
  int streams = 0, tiles = 0, tile_width = 0, tile_height = 0;
  int batch = 1;       // tiles in one run of the network
  std::string tuning;  // batch, streams and threads chosen by measurement, and why; empty: they were not
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
