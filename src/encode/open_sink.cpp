// From what the user typed to the sink that writes it.
#include <string_view>

#include "decode/ffmpeg.h"
#include "encode/encoder_choice.h"
#include "encode/exr_sink.h"
#include "encode/ffmpeg_sink.h"
#include "encode/output_file.h"
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

// The name of the first numbered picture, empty when `path` has no number pattern.
std::string first_of_sequence(const std::string& path) {
  char name[4096];
  // image2 begins with 1.
  return av_get_frame_filename(name, sizeof name, path.c_str(), 1) == 0 ? name : "";
}

}  // namespace

bool can_carry_display_matrix(const std::string& path, const std::string& format) {
  const AVOutputFormat* muxer = find_muxer(path, format);
  if (!muxer) return false;
  const std::string_view name = muxer->name;
  return name == "mp4" || name == "mov" || name == "ipod" || name == "3gp" || name == "ismv";
}

Result<std::unique_ptr<Sink>> open_sink(const SinkOptions& options) {
  if (options.path.empty()) return fail(ErrorCode::invalid_argument, "no output file given");
  if (options.path == "null:") return std::make_unique<NullSink>(options);
  if (is_exr_output(options)) return open_exr_sink(options);
  OutputTarget target;
  target.path = options.path;
  if (options.path.starts_with("md5:")) {
    target.path = options.path.substr(4);
    target.muxer = "framemd5";
  }
  if (target.path == "-") {
    target.kind = OutputTarget::Kind::pipe;
    if (target.muxer.empty() && options.format.empty()) target.muxer = "yuv4mpegpipe";
    return open_ffmpeg_sink(options, std::move(target));
  }
  const AVOutputFormat* muxer = find_muxer(target.path, options.format);
  const bool pictures = target.muxer.empty() && muxer && std::string_view(muxer->name) == "image2";
  if (const std::string first = pictures ? first_of_sequence(target.path) : ""; !first.empty()) {
    target.kind = OutputTarget::Kind::sequence;
    FL_CHECK(OutputFile::check(first, options.input_path, options.overwrite));
  } else {
    FL_TRY(target.file, OutputFile::create(target.path, options.input_path, options.overwrite));
  }
  return open_ffmpeg_sink(options, std::move(target));
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
