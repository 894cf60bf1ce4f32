// How fast a compiled network runs by itself.
#pragma once

#include <cstdint>
#include <functional>

#include "backend/backend.h"
#include "profile/statistics.h"
#include "profile/trace.h"

namespace framelift {

struct NetworkSpeed {
  int64_t frames = 0;         // a run counts as many as its batch
  double seconds = 0;         // with every stream busy
  DurationHistogram latency;  // of a run from start to end under that load
  double frames_per_second() const { return static_cast<double>(frames) / seconds; }
};

// Keeps as many requests in flight as the executable has streams until `seconds` are over by `now`, after one untimed
// round. Errors: those of the requests.
Result<NetworkSpeed> measure_speed(Executable& executable, double seconds,
                                   const std::function<Clock::time_point()>& now = Clock::now);

}  // namespace framelift
