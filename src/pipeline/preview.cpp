#include "pipeline/preview.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <utility>

#include "color/resolve.h"
#include "encode/output_file.h"
#include "postprocess/sdr_renderer.h"

namespace framelift {
namespace {

// Keeps one frame and what it was made from. R'G'B', so that nothing is lost on the way to the screen's.
class PairSink final : public Sink {
 public:
  PairSink(const SinkOptions& options, Frame& before, Frame& after)
      : format_{ColorFamily::rgb, options.source_format.bits, 0, 0, false},
        color_(as_rgb(options.color)),
        before_(before),
        after_(after) {}
  PixelFormat format() const override { return format_; }
  ColorInfo color() const override { return color_; }
  int frames_held() const override { return 1; }
  bool wants_source() const override { return true; }
  void set_source(Frame frame) override { before_ = std::move(frame); }
  Status write(Frame frame) override {
    after_ = std::move(frame);
    return {};
  }
  Status finish() override { return {}; }
  std::string describe() const override { return "preview"; }

 private:
  PixelFormat format_;
  ColorInfo color_;
  Frame &before_, &after_;
};

Result<Frame> new_picture(int width, int height) { return FramePool(width, height, SdrRenderer::format, 1).acquire(); }

// As the screen shows it, at width x height.
Result<Frame> rendered(const Frame& frame, const HdrMetadata& hdr, int width, int height) {
  const ColorInfo color =
      resolve_color(frame.color, frame.width, frame.height, frame.format.family == ColorFamily::rgb);
  FL_TRY(SdrRenderer renderer, SdrRenderer::create({frame.format, frame.width, frame.height, color}, hdr, true));
  FL_TRY(Frame picture, new_picture(frame.width, frame.height));
  renderer.run(frame, picture);
  if (frame.width == width && frame.height == height) return picture;
  const ColorInfo screen = as_rgb(color);
  FL_TRY(Frame resized, new_picture(width, height));
  FL_TRY(Resizer resizer, Resizer::create({SdrRenderer::format, frame.width, frame.height, screen},
                                          {SdrRenderer::format, width, height, screen}, false));
  FL_CHECK(resizer.run(picture, resized));
  return resized;
}

void paste(const Frame& picture, const Frame& strip, int x, int y) {
  for (size_t p = 0; p < 3; ++p)
    for (int row = 0; row < picture.height; ++row)
      std::memcpy(strip.planes[p].row<uint8_t>(y + row) + x, picture.planes[p].row<uint8_t>(row),
                  static_cast<size_t>(picture.width));
}

}  // namespace

Status write_preview(const VideoJob& job, std::span<const double> seconds, const std::string& path, bool overwrite) {
  FL_CHECK(OutputFile::check(path, job.source.path, overwrite));
  const auto rows = static_cast<int>(seconds.size());
  Frame strip;
  for (int row = 0; row < rows; ++row) {
    Frame before, after;
    HdrMetadata hdr;
    VideoJob one = job;
    one.source.start_seconds = seconds[static_cast<size_t>(row)];
    one.source.duration_seconds = 0;
    one.source.max_frames = 1;
    one.sink = {};
    one.make_sink = [&](const SinkOptions& options) -> Result<std::unique_ptr<Sink>> {
      hdr = options.hdr;
      return std::make_unique<PairSink>(options, before, after);
    };
    FL_CHECK(process_video(one));
    if (strip.empty()) {
      if (after.width > max_picture_edge / 2 || after.height > max_picture_edge / rows)
        return fail(ErrorCode::invalid_argument, "{}: {} rows of twice {}x{} are too large; use --max-width", path,
                    rows, after.width, after.height);
      FL_TRY(strip, new_picture(2 * after.width, rows * after.height));
    }
    FL_TRY(const Frame left, rendered(before, hdr, after.width, after.height));
    FL_TRY(const Frame right, rendered(after, hdr, after.width, after.height));
    paste(left, strip, 0, row * after.height);
    paste(right, strip, after.width, row * after.height);
  }
  return write_picture(path, std::move(strip), overwrite);
}

Result<std::vector<double>> parse_preview_times(const std::string& text, const VideoInfo& video,
                                                const std::string& name) {
  std::vector<double> seconds;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    char* end = nullptr;
    double value = std::strtod(word.c_str(), &end);
    const bool share = end != word.c_str() && std::string_view(end) == "%";
    if (end == word.c_str() || !std::isfinite(value) || value < 0 || !(share ? value <= 100 : *end == 0))
      return fail(ErrorCode::invalid_argument,
                  "--preview-at '{}' is neither seconds nor a share from 0% to 100%; write for example 10%,50% or 2.5",
                  word);
    if (share && video.duration_seconds <= 0 && !video.still)
      return fail(ErrorCode::invalid_argument, "{}: has no known duration; give --preview-at in seconds", name);
    // The last frame begins before the end.
    const double frame = video.frame_rate.num > 0 ? 1 / video.frame_rate.value() : 0;
    const double last = std::max(video.duration_seconds - 1.5 * frame, 0.0);
    if (share) value = std::min(value / 100 * video.duration_seconds, last);
    if (video.duration_seconds > 0 && value > video.duration_seconds)
      return fail(ErrorCode::invalid_argument, "{}: ends at {:.2f} s, before --preview-at {}", name,
                  video.duration_seconds, word);
    seconds.push_back(value);
  }
  if (seconds.empty()) return fail(ErrorCode::invalid_argument, "--preview-at names no time");
  return seconds;
}

}  // namespace framelift
