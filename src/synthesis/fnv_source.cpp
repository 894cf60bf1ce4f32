#include "synthesis/fnv_source.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.h"
#include "codec/fnv_reader.h"
#include "network/hinerv/hinerv.h"
#include "synthesis/fnv_video.h"
#include "synthesis/hinerv_source.h"

namespace framelift {
namespace {

// Whoever takes frames from a Source may keep as many as they want.
constexpr int frames_held = 4096;

// Read and checked only when somebody wants them: a video can do without.
OtherStreams other_streams(const FnvReader& reader) {
  const std::string& path = reader.name();
  for (size_t i = 0; i < reader.auxiliaries().size(); ++i) {
    if (reader.auxiliaries()[i].kind != fnv_streams_kind) continue;
    const auto place = reader.place_of_auxiliary(i);
    if (!place || place->bytes == 0) break;
    return {path, place->offset, place->bytes, [path, i]() -> Status {
              FL_TRY(auto bytes, open_file_source(path));
              FL_TRY(const FnvReader again, FnvReader::open(std::move(bytes)));
              const Status read = again.read_auxiliary(i, [](std::span<const std::byte>) -> Status { return {}; });
              if (read) return {};
              return fail(read.error().code, "{}; --no-copy does without sound and other streams",
                          read.error().message);
            }};
  }
  return {};
}

class FnvSource final : public Source {
 public:
  FnvSource(FnvReader reader, const FnvSourceOptions& options) : reader_(std::move(reader)), options_(options) {
    if (options_.compile.precision == Precision::automatic) options_.compile.precision = Precision::f32;
  }

  Status prepare() {
    if (reader_.frame_count() == 0)
      return fail(ErrorCode::invalid_data, "{}: holds no whole group of frames (cut off)", reader_.name());
    if (!reader_.complete())
      log::warn("{}: is not complete; it has {} frames that can be read", reader_.name(), reader_.frame_count());
    info_ = video_info(reader_);
    if (options_.format) info_.format = *options_.format;
    if (options_.color) info_.color = *options_.color;
    FL_CHECK(find_frames());
    info_.frame_count = end_ - begin_;
    // So that what can fail fails before the first frame.
    return open_group();
  }

  const VideoInfo& info() const override { return info_; }
  SourceCounters counters() const override { return counters_; }

  Result<Frame> next() override {
    if (next_ >= end_) return Frame{};
    if (!group_is_open()) FL_CHECK(open_group());
    FL_TRY(Frame frame, frames_->next());
    const FnvFrameTime& time = times_[static_cast<size_t>(next_ - group_begin_)];
    frame.pts = time.pts;
    frame.duration = time.duration;
    ++next_;
    ++counters_.frames;
    return frame;
  }

  bool can_seek() const override { return true; }
  Status seek(int64_t pts) override {
    FL_TRY(const int64_t frame, frame_at(pts));
    next_ = std::clamp(frame, begin_, end_);
    return next_ < end_ && group_is_open() ? frames_->seek(pts) : Status{};
  }

 private:
  bool group_is_open() const { return frames_ && next_ >= group_begin_ && next_ < group_begin_ + ssize(times_); }
  int64_t first_frame(size_t group) const { return static_cast<int64_t>(reader_.first_frame(group)); }

  // The first frame at `pts` or later; behind the last if there is none.
  Result<int64_t> frame_at(int64_t pts) const {
    FL_TRY(const size_t group, reader_.group_at(pts));
    FL_TRY(const auto times, reader_.read_times(group));
    const auto found = std::ranges::find_if(times, [&](const FnvFrameTime& t) { return t.pts >= pts; });
    return first_frame(group) + (found - times.begin());
  }
  Result<int64_t> frame_after(double seconds) const {
    return frame_at(start_in_time_base(info_.origin_us, seconds, info_.time_base));
  }

  Status find_frames() {
    begin_ = options_.first_frame;
    end_ = static_cast<int64_t>(reader_.frame_count());
    if (options_.start_seconds > 0) {
      FL_TRY(begin_, frame_after(options_.start_seconds));
    }
    if (options_.duration_seconds > 0) {
      FL_TRY(const int64_t end, frame_after(options_.start_seconds + options_.duration_seconds));
      end_ = std::min(end_, end);
    }
    if (begin_ < 0 || begin_ >= end_)
      return fail(ErrorCode::invalid_argument, "{}: has {} frames; what is asked for lies beyond them", reader_.name(),
                  reader_.frame_count());
    if (options_.frames > 0) end_ = std::min(end_, begin_ + options_.frames);
    next_ = begin_;
    return {};
  }

  // The group of frame next_.
  Status open_group() {
    frames_.reset();
    FL_TRY(const size_t number, reader_.group_of_frame(static_cast<uint64_t>(next_)));
    FL_TRY(FnvGroup group, reader_.read_group(number));
    FL_TRY(const HinervVideo video, video_of_group(reader_.header(), group, reader_.name()));
    FL_TRY(const Graph graph, build_hinerv(video.config, {}));
    FL_TRY(Backend* const backend, find_backend(options_.backend, graph, options_.compile));
    times_ = std::move(group.times);
    group_begin_ = first_frame(number);
    const int64_t first = std::max(begin_, group_begin_), end = std::min(end_, group_begin_ + ssize(times_));
    HinervSourceOptions wanted;
    wanted.format = info_.format;
    wanted.color = info_.color;
    wanted.frames_held = frames_held;
    wanted.first_frame = first - group_begin_;
    wanted.frames = end - first;
    FL_TRY(frames_, create_hinerv_source(video, *backend, options_.compile, wanted));
    return next_ > first ? frames_->seek(times_[static_cast<size_t>(next_ - group_begin_)].pts) : Status{};
  }

  FnvReader reader_;
  FnvSourceOptions options_;
  VideoInfo info_;
  int64_t begin_ = 0, next_ = 0, end_ = 0;  // frames of the file
  int64_t group_begin_ = 0;                 // of the group that is open
  std::vector<FnvFrameTime> times_;         // of its frames
  std::unique_ptr<Source> frames_;
  SourceCounters counters_;
};

Result<std::unique_ptr<Source>> open_as_source(const SourceOptions& options) {
  FnvSourceOptions fnv;
  fnv.path = options.path;
  fnv.frames = options.max_frames;
  fnv.start_seconds = options.start_seconds;
  fnv.duration_seconds = options.duration_seconds;
  fnv.compile.threads = options.threads;
  return open_fnv_source(fnv);
}

}  // namespace

VideoInfo video_info(const FnvReader& reader) {
  const FnvHeader& header = reader.header();
  VideoInfo info;
  info.width = header.width;
  info.height = header.height;
  info.format = header.format;
  info.color = header.color;
  info.hdr = header.hdr;
  info.sample_aspect_ratio = header.sample_aspect_ratio;
  info.time_base = header.time_base;
  info.frame_rate = header.frame_rate;
  info.display_matrix = header.display_matrix;
  info.frame_count = static_cast<int64_t>(reader.frame_count());
  info.still = info.frame_count == 1 && header.frame_rate.num == 0;
  info.origin_us = rescale(reader.groups().front().first_pts, header.time_base, {1, 1'000'000});
  info.other_streams = other_streams(reader);
  info.container = "fnv";
  info.codec = "hinerv";
  return info;
}

Result<std::unique_ptr<Source>> open_fnv_source(const FnvSourceOptions& options) {
  FL_TRY(auto bytes, open_file_source(options.path));
  FL_TRY(FnvReader reader, FnvReader::open(std::move(bytes)));
  auto source = std::make_unique<FnvSource>(std::move(reader), options);
  FL_CHECK(source->prepare());
  return source;
}

SourceKind fnv_kind() { return {fnv_signature, open_as_source}; }

}  // namespace framelift
