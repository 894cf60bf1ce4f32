#include "display/frame_pacer.h"

#include <algorithm>

namespace framelift {

FramePacer::Decision FramePacer::decide(double time, double duration, bool newer_ready, double now) {
  if (paused_at_) return {Action::wait, 0};
  // Times that go back (another part of a broken file) start the clock anew, as the first frame does.
  if (!start_ || time < last_time_) {
    show_now(time, duration, now);
    return {};
  }
  const double late_by = now - (*start_ + time);
  if (late_by < 0) return {Action::wait, -late_by};
  if (late_by > duration) {
    if (newer_ready) {
      ++dropped_;
      return {Action::drop, 0};
    }
    ++late_;
    show_now(time, duration, now);
    return {};
  }
  last_time_ = time;
  last_duration_ = duration;
  ++shown_;
  return {};
}

void FramePacer::show_now(double time, double duration, double now) {
  start_ = now - time;
  if (paused_at_) paused_at_ = now;
  last_time_ = time;
  last_duration_ = duration;
  ++shown_;
}

double FramePacer::seconds_left(double now) const {
  if (!start_) return 0;
  return std::max(*start_ + last_time_ + last_duration_ - paused_at_.value_or(now), 0.0);
}

void FramePacer::pause(double now) {
  if (!paused_at_) paused_at_ = now;
}

void FramePacer::resume(double now) {
  if (start_ && paused_at_) *start_ += now - *paused_at_;
  paused_at_.reset();
}

}  // namespace framelift
