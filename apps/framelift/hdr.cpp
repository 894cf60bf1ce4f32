#include "apps/framelift/commands.h"
#include "apps/framelift/shared/video_command.h"

#include "pipeline/preview.h"

namespace framelift {
namespace {

struct PreviewOptions {
  std::string path;
  std::string times = "10%,50%,90%";
};

Status write_preview(VideoCommand& o, const PreviewOptions& preview) {
  FL_TRY(const Network network, prepare(o));
  o.job.network = &network;
  FL_TRY(const auto source, open_source(o.job.source));
  FL_TRY(const auto seconds, parse_preview_times(preview.times, source->info(), o.job.source.path));
  FL_CHECK(write_preview(o.job, seconds, preview.path, o.job.sink.overwrite));
  if (o.quiet) return {};
  fmt::print(stderr, "{}: left before, right after {} (tone-mapped for SDR screens); rows at", preview.path,
             network.name);
  for (double t : seconds) fmt::print(stderr, " {:.2f}", t);
  fmt::print(stderr, " s\n");
  return {};
}

}  // namespace

void add_hdr_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<VideoCommand>();
  CLI::App& c = *app.add_subcommand("hdr", "Turn SDR video into HDR (PQ or HLG, BT.2020)");
  o->engine.model = "hdrtvnet";
  o->add_to(c);
  o->add_tiles_to(c);
  o->job.stabilise = 0.9f;
  c.add_option("--stabilise", o->job.stabilise,
               "How steady the frame's overall tone is kept, 0 (each frame by itself) to 0.99; starts anew at cuts")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  c.add_option_function<std::string>(
       "--condition",
       [o](const std::string& how) {
         o->job.frame_reduction = how == "bilinear" ? Reduction::bilinear : Reduction::bicubic;
       },
       "How the frame is reduced for the network to see it whole")
      ->check(CLI::IsMember({"bicubic", "bilinear"}))
      ->default_str("bicubic");
  c.add_option_function<std::string>(
       "--agcm",
       [o](const std::string& how) {
         if (how == "lut") o->engine.backend = "lut";
       },
       "How the agcm model is computed: exact, or lut, a colour table made for each frame: faster, within "
       "1/1023 of exact")
      ->check(CLI::IsMember({"exact", "lut"}))
      ->excludes(c.get_option("--backend"))
      ->default_str("exact");
  c.add_option_function<std::string>(
       "--transfer", [o](const std::string& transfer) { o->job.hlg = transfer == "hlg"; },
       "pq: HDR10 with measured metadata; hlg: for broadcast")
      ->check(CLI::IsMember({"pq", "hlg"}))
      ->default_str("pq");
  c.add_option("--peak-nits", o->job.peak_nits,
               "Peak of the display that HLG output and the models bt2446a, bt2446c are made for, in cd/m2")
      ->check(CLI::Range(100.0, 10000.0))
      ->capture_default_str();
  c.add_option("--mastering-display", o->mastering_display,
               "x265's G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min), or p3-d65-PEAK or bt2020-PEAK with the peak in cd/m2, e.g. "
               "p3-d65-1000, bt2020-4000. Default: BT.2020, D65, black 0.0001, peak the first of 1000, 2000, 4000, "
               "10000 cd/m2 that the measured MaxCLL does not exceed");
  c.add_option("--max-cll", o->max_cll, "MaxCLL,MaxFALL in cd/m2, e.g. 1000,400. Default: measured from the output");
  c.add_flag("--force", o->job.force, "Process HDR or wide-gamut input all the same");
  auto preview = std::make_shared<PreviewOptions>();
  CLI::Option* output = c.get_option("output")->required(false);
  CLI::Option* picture =
      c.add_option("--preview", preview->path, "Only write this picture: some frames before (left) and after (right)");
  c.add_option("--preview-at", preview->times, "Which frames: shares of the duration or seconds")
      ->needs(picture)
      ->capture_default_str();
  c.footer(
      "Examples:\n"
      "  framelift hdr in.mp4 out.mkv\n"
      "  framelift hdr in.mp4 out.mkv --model agcm --crf 16\n"
      "  framelift hdr in.mp4 out.mkv --model agcm --agcm lut\n"
      "  framelift hdr in.mp4 out.mkv --model bt2446a        (ITU-R BT.2446 method A: no network, no download)\n"
      "  framelift hdr in.mp4 out.mp4 --transfer hlg\n"
      "  framelift hdr in.mp4 --preview look.png --preview-at 10%,50%,2.5");
  c.callback([o, preview, output, picture, &run] {
    if (picture->count() == 0 && output->count() == 0) throw CLI::RequiredError("output");
    run = [o, preview, with_preview = picture->count() > 0] {
      if (!with_preview) return o->run();
      const Status status = write_preview(*o, *preview);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace framelift
