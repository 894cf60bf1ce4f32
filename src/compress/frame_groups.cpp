#include "compress/frame_groups.h"

#include <algorithm>

namespace framelift {

Result<Frame> FrameGroups::next_frame() {
  if (cancel_ && cancel_->requested()) return fail(ErrorCode::cancelled, "cancelled");
  FL_TRY(Frame frame, source_.next());
  if (frame.empty()) return frame;
  if (picture_.empty()) picture_ = Tensor(DType::f32, {1, 3, frame.height, frame.width});
  reader_.run(frame, {0, 0, frame.width, frame.height}, picture_.view());
  waiting_is_cut_ = cuts_.is_cut(picture_.view());
  return frame;
}

// Containers may lack times; .fnv has them always, and never backwards.
FnvFrameTime FrameGroups::time_of(const Frame& frame) {
  FnvFrameTime time{0, std::max<int64_t>(frame.duration, 0)};
  if (before_) time.pts = before_->pts + std::max<int64_t>(before_->duration, 1);
  if (frame.pts) time.pts = *frame.pts - start_pts_;
  if (before_) time.pts = std::max(time.pts, before_->pts);
  before_ = time;
  return time;
}

Result<FrameGroup> FrameGroups::next() {
  FrameGroup group;
  if (waiting_.empty()) {
    FL_TRY(waiting_, next_frame());
  }
  while (!waiting_.empty()) {
    group.times.push_back(time_of(waiting_));
    group.frames.push_back(std::move(waiting_));
    FL_TRY(waiting_, next_frame());
    const size_t count = group.frames.size();
    if (count >= most_frames_ || (waiting_is_cut_ && 2 * count >= most_frames_)) break;
  }
  return group;
}

}  // namespace framelift
