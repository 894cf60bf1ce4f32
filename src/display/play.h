// Shows what a job makes, as it makes it, in a window.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/cancellation.h"
#include "base/result.h"
#include "encode/sink.h"

namespace framelift {

struct PlayOptions {
  std::string name;  // of what is played: in the window's title and in messages
  bool fullscreen = false;
  int max_width = 0, max_height = 0;  // of the window; 0: what the screen has
  bool split = false;                 // begin with the source on the left, the result on the right
  // Where the picture on the screen is saved by key, and at which frame (from 0) without one. Empty: "NAME-FRAME.png".
  std::string screenshot;
  std::optional<int64_t> screenshot_frame;
  bool overwrite = false;
};

struct PlaybackReport {
  int64_t shown = 0;
  int64_t late = 0;     // among those shown: by more than a frame, because nothing newer was ready
  int64_t dropped = 0;  // late, and skipped for a newer one
  double seconds = 0;   // from the first frame to the last
  bool quit = false;    // by the user, before the end
};

// Runs `job` on a thread of its own, with factories for its source and for the sink it has to write to, and the window
// on the calling thread (for some systems: the program's main thread) until the last frame's time is over or the user
// quits; then the window closes at once, writing fails with `cancelled`, `stop` is set, and the job's end is waited
// for. A request to stop from outside does the same. PQ and HLG are tone-mapped. A still picture stays until the user
// quits. Keys: space pause, left and right arrow five seconds, comma and period a frame back and on, r backwards and
// forwards again, s split screen (follows the mouse), h tone-mapped or raw codes, f full screen, p save, q or Esc quit.
// Going elsewhere takes a source that can seek; the frames that a job has in hand are dropped when they come. Backwards
// the first frame stays until a key. Errors: the job's; unsupported (no display); those of write_picture for the frame
// that was asked for.
Result<PlaybackReport> play(const PlayOptions& options, Cancellation& stop,
                            const std::function<Status(const SourceFactory&, const SinkFactory&)>& job);

}  // namespace framelift
