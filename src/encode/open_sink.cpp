// From what the user typed to the sink that writes it.
#include "color/resolve.h"
#include "encode/exr_sink.h"
#include "encode/media_sink.h"
#include "encode/sink.h"

namespace framelift {
namespace {

// Drops frames: for benches that measure everything but encoding.
class NullSink final : public Sink {
 public:
  explicit NullSink(const SinkOptions& options) : format_(options.source_format), color_(options.color) {}
  PixelFormat format() const override { return format_; }
  ColorInfo color() const override { return color_; }
  int frames_held() const override { return 0; }
  Status write(Frame) override { return {}; }
  Status finish() override { return {}; }
  std::string describe() const override { return "null " + to_string(format_); }

 private:
  PixelFormat format_;
  ColorInfo color_;
};

}  // namespace

SinkOptions for_frames_of(const VideoInfo& source, SinkOptions chosen) {
  chosen.width = source.width;
  chosen.height = source.height;
  chosen.source_format = source.format;
  chosen.color = resolve_color(source.color, source.width, source.height, source.format.family == ColorFamily::rgb);
  chosen.hdr = source.hdr;
  chosen.attributes = with_texts_of(chosen.attributes, source.attributes);
  chosen.sample_aspect_ratio = source.sample_aspect_ratio;
  chosen.time_base = source.time_base;
  chosen.frame_rate = source.frame_rate;
  chosen.origin_us = source.origin_us;
  chosen.still = source.still;
  chosen.display_matrix = source.display_matrix;
  return chosen;
}

Result<std::unique_ptr<Sink>> open_sink(const SinkOptions& options) {
  if (options.path.empty()) return fail(ErrorCode::invalid_argument, "no output file given");
  if (options.path == "null:") return std::make_unique<NullSink>(options);
  if (is_exr_output(options)) return open_exr_sink(options);
  return open_media_sink(options);
}

Result<int64_t> copy_frames(Source& source, Sink& sink, const Cancellation* cancel,
                            const std::function<void(int64_t frames)>& on_frame) {
  int64_t frames = 0;
  while (!(cancel && cancel->requested())) {
    FL_TRY(Frame frame, source.next());
    if (frame.empty()) break;
    FL_CHECK(sink.write(std::move(frame)));
    ++frames;
    if (on_frame) on_frame(frames);
  }
  return frames;
}

Status write_picture(const std::string& path, Frame picture, bool overwrite) {
  SinkOptions options;
  options.path = path;
  options.overwrite = overwrite;
  options.width = picture.width;
  options.height = picture.height;
  options.source_format = picture.format;
  options.color = {MatrixCoefficients::rgb, TransferCharacteristic::bt709, ColorPrimaries::bt709, ColorRange::full,
                   ChromaLocation::left};
  options.still = true;
  FL_TRY(const auto sink, open_sink(options));
  if (sink->format() != picture.format)
    return fail(ErrorCode::unsupported, "{}: cannot hold RGB pictures; give it a name that ends in .png", path);
  picture.pts = 0;
  picture.color = sink->color();
  FL_CHECK(sink->write(std::move(picture)));
  return sink->finish();
}

}  // namespace framelift
