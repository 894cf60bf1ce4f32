#include "display/steered_source.h"

#include <algorithm>

#include "frame/frame.h"

namespace framelift {
namespace {

size_t frames_of_a_piece(const VideoInfo& info) {
  constexpr size_t bytes = size_t{256} << 20;
  return std::clamp<size_t>(bytes / frame_bytes(info.format, info.width, info.height), 4, 64);
}

}  // namespace

SteeredSource::SteeredSource(std::unique_ptr<Source> source, Steering& steering)
    : source_(std::move(source)), steering_(steering), most_(frames_of_a_piece(source_->info())) {
  steering_.begin(source_->can_seek());
}

Result<Frame> SteeredSource::next() {
  if (!source_->can_seek()) return source_->next();
  for (;;) {
    if (const auto other = steering_.other_than(course_)) {
      course_ = *other;
      piece_.clear();
      until_ = course_.pts;
      if (!course_.backwards) FL_CHECK(source_->seek(course_.pts));
    }
    FL_TRY(Frame frame, course_.backwards ? previous() : source_->next());
    if (!frame.empty()) {
      if (!first_pts_) first_pts_ = frame.pts;
      steering_.send(course_);
      return frame;
    }
    if (!steering_.wait(course_)) return Frame{};
  }
}

Result<Frame> SteeredSource::previous() {
  if (piece_.empty()) FL_CHECK(read_piece());
  if (piece_.empty()) return Frame{};
  Frame frame = std::move(piece_.back());
  piece_.pop_back();
  return frame;
}

// The last frames before until_, from further back the longer there are none; nothing at the video's beginning.
Status SteeredSource::read_piece() {
  const VideoInfo& info = source_->info();
  const Rational rate = info.frame_rate.num > 0 ? info.frame_rate : Rational{25, 1};
  int64_t span = std::max<int64_t>(rescale(static_cast<int64_t>(most_), {rate.den, rate.num}, info.time_base), 1);
  while (piece_.empty() && first_pts_ && until_ > *first_pts_) {
    span = std::min(span, until_ - *first_pts_);
    FL_CHECK(source_->seek(until_ - span));
    for (;;) {
      FL_TRY(Frame frame, source_->next());
      if (frame.empty() || !frame.pts || *frame.pts >= until_) break;
      if (piece_.size() == most_) piece_.pop_front();
      piece_.push_back(std::move(frame));
    }
    if (piece_.empty() && span == until_ - *first_pts_) break;
    span *= 2;
  }
  if (!piece_.empty()) until_ = *piece_.front().pts;
  return {};
}

}  // namespace framelift
