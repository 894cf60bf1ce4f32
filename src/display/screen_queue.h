// From the job's thread to the window's: a Sink at one end, frames with their times at the other.
#pragma once

#include <memory>
#include <optional>

#include "base/bounded_queue.h"
#include "display/steering.h"
#include "encode/sink.h"

namespace framelift {

struct ScreenFrame {
  Frame picture;
  Frame source;                   // what it was made from; empty when it is the source itself
  int64_t index = 0;              // 0 for the first frame
  int64_t course = 0;             // Steering::Course::number
  int64_t pts = 0;                // in the sink's time base
  double time = 0, duration = 0;  // seconds; a guess from the frame rate where the file does not say
};

class ScreenQueue {
 public:
  // The job's side. The sink takes frames of any size, format and colour, as they say themselves; what its format()
  // and color() ask for, R'G'B' of the output's depth and curve, reaches the screen with the least loss. write() waits
  // while the window has frames enough, and fails with `cancelled` after close(). The queue outlives the sink.
  SinkFactory sink_factory();
  // Sources that the window can steer, if the job takes them from here.
  SourceFactory source_factory();
  // No more frames. Also from the window's side, to end the job.
  void close();
  Steering& steering() { return steering_; }

  // The window's side. Waits until the job has made its sink: what it is going to write. Nothing: it ended before that.
  std::optional<SinkOptions> wait_for_start() { return started_.pop(); }
  std::optional<ScreenFrame> try_pop() { return frames_.try_pop(); }
  size_t waiting() const { return frames_.size(); }
  bool finished() const { return frames_.finished(); }

 private:
  class ScreenSink;
  Steering steering_;
  BoundedQueue<SinkOptions> started_{1};
  BoundedQueue<ScreenFrame> frames_{4};
};

}  // namespace framelift
