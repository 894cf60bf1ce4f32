#include "profile/statistics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace framelift {
namespace {
constexpr double smallest = 1e-6;
const double bin_ratio = std::log(1.05);
}  // namespace

void DurationHistogram::add(double seconds) {
  const double bin = seconds > smallest ? std::log(seconds / smallest) / bin_ratio : 0;
  ++counts_[std::min(static_cast<size_t>(bin), bins - 1)];
  ++count_;
  total_ += seconds;
  largest_ = std::max(largest_, seconds);
}

double DurationHistogram::quantile(double q) const {
  const auto wanted = static_cast<int64_t>(std::ceil(q * static_cast<double>(count_)));
  int64_t seen = 0;
  for (size_t i = 0; i < bins; ++i) {
    seen += counts_[i];
    if (seen >= wanted && seen > 0)
      return std::min(smallest * std::exp((static_cast<double>(i) + 0.5) * bin_ratio), largest_);
  }
  return 0;
}

void StageMeter::add(StageTime what, Clock::time_point begin, Clock::time_point end) {
  const double seconds = seconds_between(begin, end);
  const char* name = "busy";
  switch (what) {
    case StageTime::busy: durations_.add(seconds); [[fallthrough]];
    case StageTime::finishing:
      busy_.store(busy_seconds() + seconds, std::memory_order_relaxed);
      if (what == StageTime::finishing) name = "finishing";
      break;
    case StageTime::waiting_for_input:
      waiting_for_input_ += seconds;
      name = "waiting for input";
      break;
    case StageTime::waiting_for_room:
      waiting_for_room_ += seconds;
      name = "waiting for room";
      break;
  }
  if (trace_ != nullptr) trace_->add_span(track_, name, begin, end, frame_);
}

void InFlightMeter::begin() {
  std::lock_guard lock(mutex_);
  if (running_++ == 0) since_ = Clock::now();
}

void InFlightMeter::end(Clock::time_point begun) {
  std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  latencies_.add(seconds_between(begun, now));
  if (--running_ == 0) busy_ += seconds_between(since_, now);
}

double InFlightMeter::busy_seconds() const {
  std::lock_guard lock(mutex_);
  return busy_ + (running_ > 0 ? seconds_between(since_, Clock::now()) : 0);
}

DurationHistogram InFlightMeter::latencies() const {
  std::lock_guard lock(mutex_);
  return latencies_;
}

void DeadlineMeter::add(double seconds) {
  if (frames_ == 0) first_ = last_ = seconds;
  const double due = static_cast<double>(frames_) * period_;
  const double cost = seconds - last_;
  last_ = seconds;
  ++frames_;
  if (period_ <= 0) return;
  // Sums of periods must not become late by rounding.
  const double end = due + period_ + 1e-9;
  if (seconds - first_ > end) ++late_;
  if (player_ > end)
    ++drops_;
  else
    player_ += cost;
}

const char* limiting_stage(const StageSeconds& busy) {
  return stage_names[static_cast<size_t>(std::ranges::max_element(busy) - busy.begin())];
}

IntervalReport IntervalMeter::take(int64_t frames, const StageSeconds& busy, const DeadlineMeter& deadlines) {
  IntervalReport report;
  report.frames = frames;
  const auto count = static_cast<double>(durations_.count());
  const double slowest = durations_.quantile(0.99);
  if (durations_.total() > 0) report.fps = count / durations_.total();
  if (slowest > 0) report.low_1_percent_fps = 1 / slowest;
  report.late_frames = deadlines.late_frames() - late_before_;
  report.estimated_drops = deadlines.estimated_drops() - drops_before_;
  for (size_t i = 0; i < busy.size(); ++i) report.stage_seconds[i] = (busy[i] - busy_before_[i]) / std::max(count, 1.0);
  report.limiting_stage = limiting_stage(report.stage_seconds);
  durations_ = {};
  busy_before_ = busy;
  late_before_ = deadlines.late_frames();
  drops_before_ = deadlines.estimated_drops();
  return report;
}

std::string to_json(const JobReport& r) {
  nlohmann::ordered_json stages = nlohmann::ordered_json::array();
  for (const StageReport& s : r.stages)
    stages.push_back({{"name", s.name},
                      {"mean_ms", s.mean_ms},
                      {"p99_ms", s.p99_ms},
                      {"busy_share", s.busy_share},
                      {"waiting_for_input_share", s.waiting_for_input_share},
                      {"waiting_for_room_share", s.waiting_for_room_share},
                      {"cpu_seconds", s.cpu_seconds}});
  nlohmann::ordered_json pools = nlohmann::ordered_json::array();
  for (const auto& [name, use] : r.pools)
    pools.push_back({{"name", name}, {"capacity", use.capacity}, {"most", use.most}, {"piece_bytes", use.piece_bytes}});
  nlohmann::ordered_json json{{"frames", r.frames},
                              {"seconds", r.seconds},
                              {"fps", r.fps},
                              {"low_1_percent_fps", r.low_1_percent_fps},
                              {"network_seconds", r.network_seconds},
                              {"target_fps", r.target_fps},
                              {"late_frames", r.late_frames},
                              {"estimated_drops", r.estimated_drops},
                              {"compile_seconds", r.compile_seconds},
                              {"compile_cached", r.compile_cached},
                              {"warm_up", r.warm_up},
                              {"stages", stages},
                              {"bottleneck", r.bottleneck},
                              {"cpu_seconds", r.cpu_seconds},
                              {"peak_resident_bytes", r.peak_resident_bytes},
                              {"steady_resident_bytes", r.steady_resident_bytes},
                              {"end_resident_bytes", r.end_resident_bytes},
                              {"device_bytes", r.device_bytes},
                              {"pools", pools},
                              {"model", r.model},
                              {"backend", r.backend},
                              {"precision", r.precision},
                              {"input", r.input},
                              {"output", r.output},
                              {"streams", r.streams},
                              {"batch", r.batch},
                              {"tuning", r.tuning},
                              {"tiles", r.tiles},
                              {"tile_width", r.tile_width},
                              {"tile_height", r.tile_height},
                              {"damaged_packets", r.damaged_packets},
                              {"max_cll_nits", r.max_cll_nits},
                              {"max_fall_nits", r.max_fall_nits},
                              {"cancelled", r.cancelled}};
  json["allocations_per_frame"] =
      r.allocations_per_frame < 0 ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(r.allocations_per_frame);
  json["flicker"] = r.flicker_percent < 0 ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(r.flicker_percent);
  return json.dump(2);
}

int64_t resident_bytes() {
  long total = 0, resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return int64_t{resident} * sysconf(_SC_PAGESIZE);
}

int64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

double process_cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double thread_cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace framelift
