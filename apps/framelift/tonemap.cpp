#include <algorithm>
#include <map>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/picture_folder.h"
#include "pipeline/pictures/tone_map_pictures.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, DisplayCurve> curves = {{"log", DisplayCurve::log},
                                                    {"reinhard", DisplayCurve::reinhard},
                                                    {"aces", DisplayCurve::aces},
                                                    {"bt2390", DisplayCurve::bt2390},
                                                    {"none", DisplayCurve::none}};

struct ToneMapCommand {
  ToneMapJob job;
};

Status run_tone_map(ToneMapCommand& o) {
  ToneMapJob& job = o.job;
  job.cancel = &interruption();
  if (!is_picture_batch(job.source.path, job.sink.path)) {
    FL_CHECK(tone_map_pictures(job));
    return {};
  }
  constexpr std::string_view known[] = {".exr", ".pfm"};
  const fs::path in = job.source.path, out = job.sink.path;
  return for_each_picture(in, out, known, [&](const fs::path& picture) -> Status {
    job.source.path = picture.string();
    job.sink.path = (out / picture.stem()).string() + ".png";
    FL_CHECK(tone_map_pictures(job));
    return {};
  });
}

}  // namespace

void add_tonemap_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<ToneMapCommand>();
  CLI::App& c = *app.add_subcommand("tonemap", "Linear HDR pictures (OpenEXR) as PNG, JPEG, ... to look at");
  SourceOptions& source = o->job.source;
  SinkOptions& sink = o->job.sink;
  c.add_option("input", source.path, "OpenEXR picture, folder or 'dir/%04d.exr'")->required();
  c.add_option("output", sink.path, "Picture, folder, 'dir/%04d.png' or video")->required();
  c.add_option("--exposure", o->job.exposure_ev, "In stops: light is multiplied by 2^EV")
      ->check(CLI::Range(-100.0, 100.0))
      ->capture_default_str();
  c.add_option("--curve", o->job.curve,
               "reinhard (extended, white at the brightest), aces (filmic), bt2390 (from the picture's peak to 203 "
               "cd/m2), log (log(1 + x), dark where few pixels are very bright) or none (clipped)")
      ->transform(CLI::CheckedTransformer(curves).description("{log,reinhard,aces,bt2390,none}"))
      ->default_str(
          std::ranges::find(curves, o->job.curve, &std::pair<const std::string, DisplayCurve>::second)->first);
  c.add_option("--frames", source.max_frames, "Frames to show")->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  c.add_flag("--overwrite", sink.overwrite, "Replace an existing output");
  c.footer(
      "Every picture is mapped by its own brightest light. Colours beyond sRGB are drawn into it. NaN and infinities "
      "are black.\n"
      "Examples:\n"
      "  framelift tonemap in.exr out.png\n"
      "  framelift tonemap in.exr out.jpg --curve aces --exposure -1.5\n"
      "  framelift tonemap renders/ previews/ --curve bt2390\n"
      "  framelift tonemap 'renders/%04d.exr' preview.mp4");
  c.callback([o, &run] {
    run = [o] {
      const Status status = run_tone_map(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace framelift
