#include "pipeline/pictures/tone_map_pictures.h"

#include "color/resolve.h"
#include "postprocess/linear_renderer.h"

namespace framelift {

Result<int64_t> tone_map_pictures(const ToneMapJob& job) {
  FL_TRY(const auto source, open_source(job.source));
  const VideoInfo& info = source->info();
  const ColorInfo color = resolve_color(info.color, info.width, info.height, info.format.family == ColorFamily::rgb);
  if (color.transfer != TransferCharacteristic::linear)
    return fail(ErrorCode::unsupported,
                "{}: is not linear light; tonemap shows OpenEXR and PFM pictures, `framelift play` and `framelift hdr "
                "--preview` show HDR video",
                job.source.path);
  SinkOptions options = for_frames_of(info, job.sink);
  options.source_format = {ColorFamily::rgb, 8, 0, 0, false};
  options.color = {MatrixCoefficients::rgb, TransferCharacteristic::srgb, ColorPrimaries::bt709, ColorRange::full,
                   ChromaLocation::left};
  options.hdr = {};
  options.start_seconds = job.source.start_seconds;
  options.duration_seconds = job.source.duration_seconds;
  options.input_path = job.source.path;
  FL_TRY(const auto sink, open_sink(options));
  if (sink->color().transfer == TransferCharacteristic::linear)
    return fail(ErrorCode::invalid_argument,
                "{}: holds linear light, and tonemap makes pictures for screens; write .png", options.path);

  const PictureLayout from{info.format, info.width, info.height, color};
  const PictureLayout to{sink->format(), info.width, info.height, sink->color()};
  FL_TRY(auto renderer, LinearRenderer::create(from, info.attributes, to, job.curve, job.exposure_ev));
  FramePool pool(to.width, to.height, to.format, static_cast<size_t>(1 + sink->frames_held()));
  int64_t frames = 0;
  for (; !(job.cancel && job.cancel->requested()); ++frames) {
    FL_TRY(const Frame in, source->next());
    if (in.empty()) break;
    FL_TRY(Frame out, pool.acquire());
    renderer.run(in, out);
    out.color = to.color;
    out.sample_aspect_ratio = in.sample_aspect_ratio;
    out.pts = in.pts;
    out.duration = in.duration;
    FL_CHECK(sink->write(std::move(out)));
  }
  if (frames == 0 && job.cancel && job.cancel->requested()) return fail(ErrorCode::cancelled, "cancelled");
  FL_CHECK(sink->finish());
  return frames;
}

}  // namespace framelift
