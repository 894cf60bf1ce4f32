// framelift evaluate: bytes and quality of a compressed video.
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/progress.h"
#include "apps/framelift/shared/text_file.h"
#include "compress/bd_rate.h"
#include "compress/evaluate_video.h"
#include "compress/other_encoders.h"

namespace framelift {
namespace {

struct EvaluateCommand {
  SourceOptions reference;
  std::vector<std::string> files, against;
  std::string csv;
  bool overwrite = false, quiet = false;
};

Result<VideoEvaluation> evaluate(const EvaluateCommand& o, const std::string& file) {
  EvaluateJob job;
  job.reference = o.reference;
  job.path = file;
  job.cancel = &interruption();
  ProgressPrinter printer;
  const auto begin = Clock::now();
  if (!o.quiet)
    job.on_frame = [&](int64_t frames, int64_t total) {
      Progress p{frames, total, static_cast<double>(frames) / seconds_between(begin, Clock::now())};
      if (total >= frames) p.seconds_left = static_cast<double>(total - frames) / p.fps;
      printer(p);
    };
  auto result = evaluate_video(job);
  printer.finish();
  return result;
}

RatePoint print(const std::string& name, const VideoEvaluation& e) {
  fmt::print("{}: {} frames, {} bytes, {:.4f} bits per pixel\n  {}\n", name, e.frames.size(), e.bytes,
             e.bits_per_pixel(), summary_text(e));
  std::fflush(stdout);
  return {e.bits_per_pixel(), mean_of(e, [](const FrameEvaluation& f) { return f.psnr_rgb; })};
}

// A folder that goes with its files.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(std::filesystem::temp_directory_path() / fmt::format("framelift-evaluate-{}", ::getpid())) {
    std::error_code error;
    std::filesystem::create_directories(path_, error);
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Status compare_with(const EvaluateCommand& o, const OtherEncoder& encoder, const std::vector<RatePoint>& ours) {
  const TemporaryFolder folder;
  std::vector<RatePoint> theirs;
  for (const double crf : encoder.crfs) {
    const auto file = folder.path() / fmt::format("{}.{}", encoder.name, encoder.format);
    FL_CHECK(encode_with(encoder, crf, o.reference, file, &interruption()));
    FL_TRY(const VideoEvaluation e, evaluate(o, file.string()));
    theirs.push_back(print(fmt::format("{} {} crf {:g}", encoder.name, encoder.preset, crf), e));
  }
  if (ours.size() < 2) return {};
  if (const auto difference = bd_rate(theirs, ours))
    fmt::print("BD-rate to {}: {:+.1f} %\n", encoder.name, 100 * *difference);
  else
    fmt::print("BD-rate to {}: none, {}\n", encoder.name, difference.error().message);
  return {};
}

Status run_evaluate(EvaluateCommand& o) {
  if (!o.csv.empty() && o.files.size() > 1)
    return fail(ErrorCode::invalid_argument, "--csv is for one compressed file, not {}", o.files.size());
  std::vector<const OtherEncoder*> encoders;
  for (const std::string& name : o.against) {
    FL_TRY(encoders.emplace_back(), find_other_encoder(name));
  }
  FL_TRY(TextFile csv, TextFile::open(o.csv, {o.reference.path, o.files.front()}, o.overwrite));
  std::vector<RatePoint> points;
  for (const std::string& file : o.files) {
    FL_TRY(const VideoEvaluation e, evaluate(o, file));
    points.push_back(print(file, e));
    FL_CHECK(csv.add(frames_csv(e)));
  }
  FL_CHECK(csv.commit());
  for (const OtherEncoder* encoder : encoders) FL_CHECK(compare_with(o, *encoder, points));
  return {};
}

}  // namespace

void add_evaluate_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<EvaluateCommand>();
  CLI::App& c = *app.add_subcommand("evaluate", "Bits per pixel, PSNR and MS-SSIM of a compressed video");
  SourceOptions& reference = o->reference;
  c.add_option("reference", reference.path, "What was compressed")->required();
  c.add_option("compressed", o->files, "The .fnv file, or any other video; several are points of one curve")
      ->required();
  c.add_option("--start", reference.start_seconds, "Seconds of the reference that were skipped")
      ->check(CLI::Range(0.0, 1e9));
  c.add_option("--duration", reference.duration_seconds, "Seconds of it that were taken")->check(CLI::Range(0.0, 1e9));
  c.add_option("--frames", reference.max_frames, "Frames of it that were taken")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  c.add_option("--against", o->against,
               "Encode the reference with these as well: x264, x265, svtav1; with several files BD-rates, too")
      ->delimiter(',');
  c.add_option("--csv", o->csv, "Write every frame's figures to this file");
  c.add_flag("--overwrite", o->overwrite, "Replace an existing file");
  c.add_flag("-q,--quiet", o->quiet, "No progress");
  c.footer(
      "PSNR is the mean over the frames of 10 log10(1 / (mse + 1e-9)), as the authors of HiNeRV have it: of R'G'B' "
      "from\n"
      "0 to 1 as the network gives them, and of the planes of the decoded frames.\n"
      "Examples:\n"
      "  framelift evaluate in.mp4 out.fnv\n"
      "  framelift evaluate in.mp4 out.fnv --frames 64 --csv frames.csv\n"
      "  framelift evaluate in.mp4 small.fnv medium.fnv large.fnv --against x264,x265,svtav1");
  c.callback([o, &run] {
    run = [o] {
      const Status status = run_evaluate(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace framelift
