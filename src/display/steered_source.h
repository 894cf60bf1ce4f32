// A source whose frames come in the order that a window asks for.
#pragma once

#include <deque>
#include <memory>

#include "decode/source.h"
#include "display/steering.h"

namespace framelift {

// At either end it waits until it is steered elsewhere or released, if the source can seek; otherwise it is the source.
// Backwards it reads a piece of the video at a time, at most 64 frames and about 256 MiB, and gives that in reverse.
class SteeredSource final : public Source {
 public:
  // The steering outlives it.
  SteeredSource(std::unique_ptr<Source> source, Steering& steering);

  const VideoInfo& info() const override { return source_->info(); }
  SourceCounters counters() const override { return source_->counters(); }
  Result<Frame> next() override;

 private:
  Result<Frame> previous();
  Status read_piece();

  std::unique_ptr<Source> source_;
  Steering& steering_;
  Steering::Course course_;
  std::optional<int64_t> first_pts_;  // of the video
  std::deque<Frame> piece_;           // backwards: frames that were read and not yet given, in the video's order
  size_t most_;                       // frames of a piece
  int64_t until_ = 0;                 // where the next piece ends, in the source's time base
};

}  // namespace framelift
