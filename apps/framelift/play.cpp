#include "display/play.h"

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/video_command.h"

namespace framelift {
namespace {

struct PlayCommand {
  VideoCommand video;
  PlayOptions play;
  int64_t screenshot_frame = -1;
};

// Without a network: the source's frames as they are.
Status show_source(const SourceOptions& options, const SourceFactory& make_source, const SinkFactory& make_sink,
                   const Cancellation& stop) {
  FL_TRY(const auto source, make_source(options));
  FL_TRY(const auto sink, make_sink(for_frames_of(source->info(), {})));
  FL_CHECK(copy_frames(*source, *sink, &stop));
  return sink->finish();
}

Status run_play(PlayCommand& o) {
  VideoJob& job = o.video.job;
  const bool with_network = !o.video.engine.model.empty();
  if (o.play.split && !with_network)
    return fail(ErrorCode::invalid_argument,
                "--split compares with a network's result; add --hdr, --upscale or --model");
  if (o.screenshot_frame >= 0) o.play.screenshot_frame = o.screenshot_frame;
  Network network;
  if (with_network) {
    FL_TRY(network, prepare(o.video));
    job.network = &network;
  } else {
    FL_CHECK(complete(o.video));
  }
  job.source.apply_rotation = true;
  o.play.name = job.source.path;
  o.play.max_width = job.max_width;
  o.play.max_height = job.max_height;
  FL_TRY(const PlaybackReport report,
         play(o.play, interruption(), [&](const SourceFactory& make_source, const SinkFactory& make_sink) -> Status {
           if (!with_network) return show_source(job.source, make_source, make_sink, interruption());
           job.make_source = make_source;
           job.make_sink = make_sink;
           FL_CHECK(process_video(job));
           return {};
         }));
  if (o.video.quiet) return {};
  const double fps = report.seconds > 0 ? static_cast<double>(report.shown - 1) / report.seconds : 0;
  fmt::print(stderr, "{}: {} frame{} shown, {:.1f} fps, {} late, {} dropped\n", job.source.path, report.shown,
             report.shown == 1 ? "" : "s", fps, report.late, report.dropped);
  return {};
}

}  // namespace

void add_play_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<PlayCommand>();
  CLI::App& c = *app.add_subcommand("play", "Play a video in a window, processed as it plays or as it is (no sound)");
  VideoCommand& video = o->video;
  video.engine.model.clear();
  video.job.stabilise = 0.9f;
  c.add_option("input", video.job.source.path, "Video, picture, folder, 'dir/%04d.png', or - for stdin")->required();
  video.add_processing_to(c);
  video.add_tiles_to(c);
  video.engine.add_denoise_to(c);
  video.add_source_to(c);
  CLI::Option* model = c.get_option("--model");
  CLI::Option* hdr = c.add_flag_callback(
      "--hdr", [o] { o->video.engine.model = "agcm"; }, "SDR to HDR: short for --model agcm");
  CLI::Option* upscale = c.add_flag_callback(
      "--upscale", [o] { o->video.engine.model = "animevideov3"; }, "Short for --model animevideov3");
  hdr->excludes(model)->excludes(upscale);
  upscale->excludes(model);
  c.add_flag("--split", o->play.split, "Begin with the source on the left, the result on the right");
  c.add_flag("--fullscreen", o->play.fullscreen, "Fill the screen");
  CLI::Option* screenshot = c.add_option("--screenshot", o->play.screenshot, "Where the p key saves the picture (PNG)");
  c.add_option("--screenshot-frame", o->screenshot_frame, "Save this frame, counted from 0, when it is shown")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->needs(screenshot);
  c.add_flag("--overwrite", o->play.overwrite, "Replace an existing screenshot");
  c.add_flag("-q,--quiet", video.quiet, "No summary");
  c.footer(
      "Keys: space pause, left and right arrow five seconds back and on, , and . one frame back and on, r backwards "
      "and\n"
      "forwards again, s split screen (the line follows the mouse), h tone-mapped or raw, f full screen, p save the "
      "picture,\n"
      "q or Esc quit. Pipes, and what --frames takes of a file, play from front to back only. HDR is tone-mapped for "
      "SDR\n"
      "screens. Sound is not played.\n"
      "Examples:\n"
      "  framelift play in.mp4\n"
      "  framelift play in.mp4 --hdr --split\n"
      "  framelift play in.mp4 --upscale --scale 2 --fullscreen\n"
      "  framelift play hdr10.mkv --screenshot look.png --screenshot-frame 100");
  c.callback([o, &run] {
    run = [o] {
      const Status status = run_play(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace framelift
