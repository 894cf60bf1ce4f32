#include "synthesis/hinerv_source.h"

#include <algorithm>
#include <optional>

#include "network/hinerv/hinerv.h"
#include "postprocess/tensor_to_frame.h"
#include "preprocess/color_convert.h"
#include "preprocess/frame_to_tensor.h"
#include "synthesis/ycbcr_planes.h"

namespace framelift {
namespace {

// The tone of converted light depends on it only for HLG.
constexpr double peak_nits = 1000;

constexpr HinervRun one_frame{};

// From what a network paints to frames as they are wanted.
class FrameMaker {
 public:
  static Result<FrameMaker> create(const HinervVideo& video, const PixelFormat& format, const ColorInfo& color) {
    FrameMaker maker;
    maker.range_ = video.color.range;
    maker.left_ = video.left;
    maker.top_ = video.top;
    maker.planes_ = video.config.output == HinervOutput::ycbcr_420;
    if (maker.planes_ && is_ycbcr_420(format) && color == video.color) return maker;
    if (maker.planes_) {
      // 16 bits, where rounding is nothing, and from there as from any video.
      const PixelFormat fine{ColorFamily::yuv, 16, 1, 1, false};
      FL_TRY(maker.fine_, FramePool(video.width, video.height, fine, 1).acquire());
      FL_TRY(maker.to_rgb_, FrameToTensor::create(fine, video.color));
      maker.rgb_ = Tensor(DType::f32, {1, 3, video.height, video.width});
      maker.left_ = maker.top_ = 0;
      maker.fine_left_ = video.left;
      maker.fine_top_ = video.top;
    }
    FL_TRY(maker.to_frame_, TensorToFrame::create(format, color, false));
    FL_TRY(maker.convert_, ColorConverter::create(video.color, color, peak_nits));
    return maker;
  }

  void run(TensorView picture, const Frame& frame) {
    if (planes_ && !to_frame_) return write_ycbcr_planes(picture, left_, top_, range_, frame);
    if (planes_) {
      write_ycbcr_planes(picture, fine_left_, fine_top_, range_, fine_);
      picture = rgb_.view();
      to_rgb_->run(fine_, {0, 0, fine_.width, fine_.height}, picture);
    }
    if (convert_) convert_->run(picture);
    const Region covered{-left_, -top_, static_cast<int>(picture.shape[3]), static_cast<int>(picture.shape[2])};
    to_frame_->run(picture, covered, {0, 0, frame.width, frame.height}, frame);
  }

 private:
  bool planes_ = false;
  int left_ = 0, top_ = 0;  // of the picture in what becomes frames
  ColorRange range_ = ColorRange::limited;
  Frame fine_;
  int fine_left_ = 0, fine_top_ = 0;  // of the picture in what the network paints
  std::optional<FrameToTensor> to_rgb_;
  Tensor rgb_;
  std::optional<ColorConverter> convert_;  // when other colours are wanted than the network's
  std::optional<TensorToFrame> to_frame_;
};

class HinervSource final : public Source {
 public:
  HinervSource(const HinervVideo& video, const HinervSourceOptions& options, FrameMaker maker,
               std::unique_ptr<Executable> executable)
      : config_(video.config),
        times_(video.times),
        info_(video_info(video)),
        maker_(std::move(maker)),
        executable_(std::move(executable)),
        pool_(video.width, video.height, options.format, static_cast<size_t>(options.frames_held) + 1),
        first_(options.first_frame),
        next_(options.first_frame),
        started_(options.first_frame),
        end_(options.first_frame + options.frames) {
    info_.format = options.format;
    info_.color = options.color;
    info_.frame_count = options.frames;
    info_.duration_seconds = static_cast<double>(time_of(end_) - time_of(next_)) * video.time_base.value();
  }

  // As many requests as keep the engine busy.
  Status create_requests() {
    for (int i = 0; i < executable_->streams() + 1; ++i) {
      FL_TRY(auto request, executable_->create_request());
      requests_.push_back(std::move(request));
    }
    return {};
  }

  ~HinervSource() override {
    for (int64_t frame = next_; frame < started_; ++frame) {
      InferRequest& request = request_of(frame);
      request.cancel();
      (void)request.wait();  // its failure concerns nobody any more
    }
  }

  const VideoInfo& info() const override { return info_; }
  SourceCounters counters() const override { return counters_; }

  Result<Frame> next() override {
    if (next_ >= end_) return Frame{};
    FL_CHECK(start_ahead());
    InferRequest& request = request_of(next_);
    const int64_t index = next_++;  // first, so that a request that failed is not waited for again
    FL_CHECK(request.wait());
    FL_TRY(Frame frame, pool_.acquire());
    maker_.run(request.output(0), frame);
    FL_CHECK(start_ahead());
    frame.color = info_.color;
    frame.sample_aspect_ratio = info_.sample_aspect_ratio;
    frame.pts = time_of(index);
    frame.duration = time_of(index + 1) - time_of(index);
    ++counters_.frames;
    return frame;
  }

  bool can_seek() const override { return true; }
  Status seek(int64_t pts) override {
    for (; next_ < started_; ++next_) (void)request_of(next_).wait();  // nobody wants what they make
    int64_t frame = first_;
    while (frame < end_ && time_of(frame) < pts) ++frame;
    next_ = started_ = frame;
    return {};
  }

 private:
  InferRequest& request_of(int64_t frame) { return *requests_[static_cast<size_t>(frame) % requests_.size()]; }

  // From next_ on, one frame for each request.
  Status start_ahead() {
    const auto most = std::min(end_, next_ + static_cast<int64_t>(requests_.size()));
    for (; started_ < most; ++started_) {
      InferRequest& request = request_of(started_);
      const HinervPlace place[] = {{static_cast<int>(started_), 0, 0}};
      const auto& inputs = executable_->inputs();
      for (size_t i = 0; i < inputs.size(); ++i)
        fill_hinerv_input(config_, one_frame, place, inputs[i].name, request.input(static_cast<int>(i)));
      FL_CHECK(request.start());
    }
    return {};
  }

  // The frame after the last begins where the last ends; it lasts as long as the one before.
  int64_t time_of(int64_t frame) const {
    if (times_.empty()) return frame;
    const auto count = static_cast<int64_t>(times_.size());
    if (frame < count) return times_[static_cast<size_t>(frame)];
    return times_.back() + (count > 1 ? times_.back() - times_[times_.size() - 2] : 1);
  }

  HinervConfig config_;
  std::vector<int64_t> times_;
  VideoInfo info_;
  FrameMaker maker_;
  std::unique_ptr<Executable> executable_;
  std::vector<std::unique_ptr<InferRequest>> requests_;  // frame i: i modulo their number
  FramePool pool_;
  // Frames of the video: the first, to be delivered, to be started, behind the last.
  int64_t first_, next_, started_, end_;
  SourceCounters counters_;
};

}  // namespace

VideoInfo video_info(const HinervVideo& video) {
  VideoInfo info;
  info.width = video.width;
  info.height = video.height;
  info.format = video.format;
  info.color = video.color;
  info.sample_aspect_ratio = video.sample_aspect_ratio;
  info.time_base = video.time_base;
  info.frame_rate = video.frame_rate;
  info.container = "hinerv";
  info.codec = "hinerv";
  return info;
}

Result<std::unique_ptr<Source>> create_hinerv_source(const HinervVideo& video, Backend& backend,
                                                     const CompileOptions& compile,
                                                     const HinervSourceOptions& options) {
  HinervSourceOptions chosen = options;
  const int64_t left = video.config.frames - chosen.first_frame;
  if (chosen.first_frame < 0 || left <= 0)
    return fail(ErrorCode::invalid_argument, "{}: has {} frames, so that frame {} is beyond its end", video.name,
                video.config.frames, chosen.first_frame);
  chosen.frames = chosen.frames > 0 ? std::min(chosen.frames, left) : left;
  FL_TRY(const Graph graph, build_hinerv(video.config, one_frame));
  FL_CHECK(backend.supports(graph, compile));
  auto maker = FrameMaker::create(video, chosen.format, chosen.color);
  if (!maker) return fail(maker.error().code, "{}: {}", video.name, maker.error().message);
  FL_TRY(auto executable, backend.compile(graph, video.parameters, compile));
  auto source = std::make_unique<HinervSource>(video, chosen, std::move(*maker), std::move(executable));
  FL_CHECK(source->create_requests());
  return source;
}

}  // namespace framelift
