// framelift evaluate: bytes and quality of a compressed video.
#include "apps/framelift/commands.h"
#include "apps/framelift/shared/progress.h"
#include "apps/framelift/shared/text_file.h"
#include "compress/evaluate_video.h"

namespace framelift {
namespace {

struct EvaluateCommand {
  EvaluateJob job;
  std::string csv;
  bool overwrite = false, quiet = false;
};

Status run_evaluate(EvaluateCommand& o) {
  FL_TRY(TextFile csv, TextFile::open(o.csv, {o.job.reference.path, o.job.path}, o.overwrite));
  o.job.cancel = &interruption();
  ProgressPrinter printer;
  const auto begin = Clock::now();
  if (!o.quiet)
    o.job.on_frame = [&](int64_t frames, int64_t total) {
      Progress p{frames, total, static_cast<double>(frames) / seconds_between(begin, Clock::now())};
      if (total >= frames) p.seconds_left = static_cast<double>(total - frames) / p.fps;
      printer(p);
    };
  auto result = evaluate_video(o.job);
  printer.finish();
  if (!result) return fail(std::move(result.error()));
  FL_CHECK(csv.add(frames_csv(*result)));
  FL_CHECK(csv.commit());
  fmt::print("{} frames, {} bytes, {:.4f} bits per pixel\n{}\n", result->frames.size(), result->bytes,
             result->bits_per_pixel(), summary_text(*result));
  return {};
}

}  // namespace

void add_evaluate_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<EvaluateCommand>();
  CLI::App& c = *app.add_subcommand("evaluate", "Bits per pixel, PSNR and MS-SSIM of a compressed video");
  SourceOptions& reference = o->job.reference;
  c.add_option("reference", reference.path, "What was compressed")->required();
  c.add_option("compressed", o->job.path, "The .fnv file, or any other video")->required();
  c.add_option("--start", reference.start_seconds, "Seconds of the reference that were skipped")
      ->check(CLI::Range(0.0, 1e9));
  c.add_option("--duration", reference.duration_seconds, "Seconds of it that were taken")->check(CLI::Range(0.0, 1e9));
  c.add_option("--frames", reference.max_frames, "Frames of it that were taken")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  c.add_option("--csv", o->csv, "Write every frame's figures to this file");
  c.add_flag("--overwrite", o->overwrite, "Replace an existing file");
  c.add_flag("-q,--quiet", o->quiet, "No progress");
  c.footer(
      "PSNR is the mean over the frames of 10 log10(1 / (mse + 1e-9)), as the authors of HiNeRV have it: of R'G'B' from\n"
      "0 to 1 as the network gives them, and of the planes of the decoded frames.\n"
      "Examples:\n"
      "  framelift evaluate in.mp4 out.fnv\n"
      "  framelift evaluate in.mp4 out.fnv --frames 64 --csv frames.csv\n"
      "  framelift evaluate in.mp4 x265.mkv");
  c.callback([o, &run] {
    run = [o] {
      const Status status = run_evaluate(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace framelift
