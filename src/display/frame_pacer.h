// When to show which frame: presentation times against a monotonic clock. Knows no window and no clock of its own.
#pragma once

#include <cstdint>
#include <optional>

namespace framelift {

// All times are in seconds; `now` comes from any monotonic clock, always the same. One thread.
//
// The first frame starts the clock. A frame is shown when its time has come. It is late when that has passed by more
// than its duration: dropped if a newer one is ready, else shown, and the clock is set back by the delay. So playback
// that waits for frames (a network slower than the video) goes on from there instead of hurrying after the time lost.
class FramePacer {
 public:
  enum class Action { wait, show, drop };
  struct Decision {
    Action action = Action::show;
    double wait_seconds = 0;  // until the frame is due, for Action::wait
  };

  // For the oldest frame not yet shown; `show` and `drop` count it as done.
  Decision decide(double time, double duration, bool newer_ready, double now);
  // The frame is shown right now, whatever the clock says, which is set to it: steps while paused.
  void show_now(double time, double duration, double now);
  // How long the last frame stays; 0: its time is over, or nothing was shown.
  double seconds_left(double now) const;

  // The next frame starts the clock anew, as the first one did.
  void restart() { start_.reset(); }
  void pause(double now);
  void resume(double now);
  bool paused() const { return paused_at_.has_value(); }

  int64_t shown() const { return shown_; }
  int64_t late() const { return late_; }  // among those shown
  int64_t dropped() const { return dropped_; }

 private:
  std::optional<double> start_;  // `now` at which time 0 is due
  std::optional<double> paused_at_;
  double last_time_ = 0, last_duration_ = 0;
  int64_t shown_ = 0, late_ = 0, dropped_ = 0;
};

}  // namespace framelift
