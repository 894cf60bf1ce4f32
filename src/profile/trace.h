// What happened when, for looking at on a timeline.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace framelift {

using Clock = std::chrono::steady_clock;
inline double seconds_between(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

// Spans and counters of one job. Rows and counters are added before recording; recording is for any thread and
// allocates nothing: what comes when the room is used up is only counted.
class Trace {
 public:
  struct Event {
    const char* name = nullptr;  // static; null: a counter's value
    int row = 0;                 // track or counter
    int64_t begin_ns = 0;        // since the trace was made
    int64_t length_ns = 0;
    double value = 0;  // a counter's value; a span's frame, below 0: none
  };

  explicit Trace(size_t capacity = size_t{1} << 19) : begin_(Clock::now()), events_(capacity) {}

  int add_track(std::string name);  // a row: a thread, or a request of an engine
  int add_counter(std::string name);

  // Text for names that is not static, for the trace's life.
  const char* keep(std::string name) { return names_.emplace_back(std::move(name)).c_str(); }

  // `name` is static memory, or kept.
  void add_span(int track, const char* name, Clock::time_point begin, Clock::time_point end, int64_t frame = -1);
  void add_value(int counter, Clock::time_point at, double value);

  // When nothing records any more.
  size_t size() const { return std::min(used_.load(), events_.size()); }
  size_t dropped() const { return used_.load() - size(); }
  const Event& event(size_t i) const { return events_[i]; }
  const std::vector<std::string>& counters() const { return counters_; }
  double seconds_at(Clock::time_point t) const { return seconds_between(begin_, t); }

  // Chrome's trace event format (JSON object, "displayTimeUnit" ms), which Perfetto and chrome://tracing open. `facts`
  // are kept in "otherData".
  std::string to_json(const std::vector<std::pair<std::string, std::string>>& facts) const;

 private:
  void add(const Event& event);

  Clock::time_point begin_;
  std::vector<std::string> tracks_, counters_;
  std::deque<std::string> names_;
  std::vector<Event> events_;
  std::atomic<size_t> used_{0};
};

}  // namespace framelift
