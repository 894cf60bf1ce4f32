#include "display/screen_queue.h"

#include <utility>

#include "display/steered_source.h"
#include "postprocess/sdr_renderer.h"

namespace framelift {

class ScreenQueue::ScreenSink final : public Sink {
 public:
  ScreenSink(const SinkOptions& options, Steering& steering, BoundedQueue<ScreenFrame>& frames)
      : format_{ColorFamily::rgb, options.source_format.bits, 0, 0, false},
        color_(as_rgb(options.color)),
        tick_(options.time_base.value()),
        usual_duration_(options.frame_rate.num > 0 ? 1 / options.frame_rate.value() : 1.0 / 25),
        steering_(steering),
        frames_(frames) {}

  PixelFormat format() const override { return format_; }
  ColorInfo color() const override { return color_; }
  // In the queue, on the screen, and next in line for it.
  int frames_held() const override { return static_cast<int>(frames_.capacity()) + 2; }
  bool wants_source() const override { return true; }
  void set_source(Frame frame) override { source_ = std::move(frame); }

  Status write(Frame frame) override {
    ScreenFrame shown;
    shown.index = frames_written_++;
    shown.course = steering_.receive();
    shown.pts = frame.pts.value_or(0);
    shown.time = frame.pts ? static_cast<double>(*frame.pts) * tick_ : next_time_;
    shown.duration = frame.duration > 0 ? static_cast<double>(frame.duration) * tick_ : usual_duration_;
    next_time_ = shown.time + shown.duration;
    shown.picture = std::move(frame);
    shown.source = std::exchange(source_, {});
    if (!frames_.push(std::move(shown))) return fail(ErrorCode::cancelled, "the window was closed");
    return {};
  }
  Status finish() override { return {}; }
  std::string describe() const override { return "window " + to_string(format_); }

 private:
  PixelFormat format_;
  ColorInfo color_;
  double tick_, usual_duration_;
  Steering& steering_;
  BoundedQueue<ScreenFrame>& frames_;
  Frame source_;
  int64_t frames_written_ = 0;
  double next_time_ = 0;
};

SinkFactory ScreenQueue::sink_factory() {
  return [this](const SinkOptions& options) -> Result<std::unique_ptr<Sink>> {
    started_.push(options);
    return std::make_unique<ScreenSink>(options, steering_, frames_);
  };
}

SourceFactory ScreenQueue::source_factory() {
  return [this](const SourceOptions& options) -> Result<std::unique_ptr<Source>> {
    FL_TRY(auto source, open_source(options));
    return std::make_unique<SteeredSource>(std::move(source), steering_);
  };
}

void ScreenQueue::close() {
  started_.close();
  frames_.close();
  steering_.release();
}

}  // namespace framelift
