// framelift evaluate: bytes and quality of a compressed video.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/progress.h"
#include "apps/framelift/shared/text_file.h"
#include "base/line_chart.h"
#include "base/temporary_folder.h"
#include "compress/bd_rate.h"
#include "compress/evaluate_video.h"
#include "compress/other_encoders.h"

namespace framelift {
namespace {

struct EvaluateCommand {
  SourceOptions reference;
  std::vector<std::string> files, against;
  std::string csv, json, frame_plot, rate_plot;
  bool overwrite = false, quiet = false;
};

struct Measured {
  std::string name;
  VideoEvaluation evaluation;

  RatePoint point() const {
    return {evaluation.bits_per_pixel(), mean_of(evaluation, [](const FrameEvaluation& f) { return f.psnr_rgb; })};
  }
};

struct RateCurve {
  std::string name;
  std::vector<Measured> files;

  std::vector<RatePoint> points() const {
    std::vector<RatePoint> found;
    for (const Measured& file : files) found.push_back(file.point());
    std::ranges::sort(found, {}, &RatePoint::bits_per_pixel);
    return found;
  }
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

void print(const Measured& file) {
  const VideoEvaluation& e = file.evaluation;
  fmt::print("{}: {} frames, {} bytes, {:.4f} bits per pixel\n  {}\n", file.name, e.frames.size(), e.bytes,
             e.bits_per_pixel(), summary_text(e));
  std::fflush(stdout);
}

// From low rates upwards until beyond those of `ours`, in four points at least: a cubic needs as many.
Result<RateCurve> curve_of(const EvaluateCommand& o, const OtherEncoder& encoder, const RateCurve& ours) {
  constexpr size_t least_points = 4;
  FL_TRY(const TemporaryFolder folder, TemporaryFolder::create());
  const double enough = ours.points().back().bits_per_pixel;
  RateCurve curve{encoder.name, {}};
  for (double crf = encoder.first_crf; crf > 0; crf -= encoder.crf_step) {
    const auto file = folder.path() / fmt::format("{}.{}", encoder.name, encoder.format);
    FL_CHECK(encode_with(encoder, crf, o.reference, file, &interruption()));
    FL_TRY(VideoEvaluation e, evaluate(o, file.string()));
    curve.files.push_back({fmt::format("{} {} crf {:g}", encoder.name, encoder.preset, crf), std::move(e)});
    print(curve.files.back());
    if (curve.files.size() >= least_points && curve.files.back().point().bits_per_pixel > enough) break;
  }
  return curve;
}

void print_difference(const RateCurve& ours, const RateCurve& theirs) {
  for (const Measured& file : ours.files) {
    const RatePoint point = file.point();
    if (const auto rate = rate_at(theirs.points(), point.psnr))
      fmt::print("{} needs {:.4f} bits per pixel for {:.2f} dB: {} has {:+.1f} %\n", theirs.name, *rate, point.psnr,
                 file.name, 100 * (point.bits_per_pixel / *rate - 1));
    else
      fmt::print("{} at {:.2f} dB: {}\n", theirs.name, point.psnr, rate.error().message);
  }
  if (ours.files.size() < 2) return;
  if (const auto difference = bd_rate(theirs.points(), ours.points()))
    fmt::print("BD-rate to {}: {:+.1f} %\n", theirs.name, 100 * *difference);
  else
    fmt::print("BD-rate to {}: none, {}\n", theirs.name, difference.error().message);
}

std::string frame_chart(const RateCurve& ours) {
  LineChart chart{"PSNR of R'G'B' in dB", "frame", {}};
  for (const Measured& file : ours.files) {
    Curve curve{std::filesystem::path(file.name).filename().string(), {}, {}};
    for (const FrameEvaluation& frame : file.evaluation.frames) {
      curve.x.push_back(static_cast<double>(curve.x.size()));
      curve.y.push_back(frame.psnr_rgb);
    }
    chart.curves.push_back(std::move(curve));
  }
  return line_chart_svg(chart);
}

std::string rate_chart(const std::vector<RateCurve>& curves) {
  LineChart chart{"PSNR of R'G'B' in dB", "bits per pixel", {}, true, false, true};
  for (const RateCurve& measured : curves) {
    Curve curve{measured.name, {}, {}};
    for (const RatePoint& point : measured.points()) {
      curve.x.push_back(point.bits_per_pixel);
      curve.y.push_back(point.psnr);
    }
    chart.curves.push_back(std::move(curve));
  }
  return line_chart_svg(chart);
}

std::string to_json(const std::vector<RateCurve>& curves) {
  const auto number = [](double value) -> nlohmann::ordered_json {
    if (std::isnan(value)) return nullptr;
    return value;
  };
  nlohmann::ordered_json json;
  for (const RateCurve& curve : curves) {
    nlohmann::ordered_json files;
    for (const Measured& file : curve.files) {
      const VideoEvaluation& e = file.evaluation;
      const auto mean = [&](auto figure) { return number(mean_of(e, figure)); };
      files.push_back(nlohmann::ordered_json{{"name", file.name},
                                             {"frames", e.frames.size()},
                                             {"bytes", e.bytes},
                                             {"bits_per_pixel", e.bits_per_pixel()},
                                             {"psnr_rgb", mean([](const FrameEvaluation& f) { return f.psnr_rgb; })},
                                             {"psnr_y", mean([](const FrameEvaluation& f) { return f.psnr_yuv[0]; })},
                                             {"psnr_u", mean([](const FrameEvaluation& f) { return f.psnr_yuv[1]; })},
                                             {"psnr_v", mean([](const FrameEvaluation& f) { return f.psnr_yuv[2]; })},
                                             {"ms_ssim", mean([](const FrameEvaluation& f) { return f.ms_ssim; })}});
    }
    nlohmann::ordered_json entry{{"name", curve.name}, {"files", files}};
    if (&curve != &curves.front())
      if (const auto difference = bd_rate(curve.points(), curves.front().points())) entry["bd_rate"] = *difference;
    json["curves"].push_back(entry);
  }
  return json.dump(2) + '\n';
}

Status run_evaluate(EvaluateCommand& o) {
  if (!o.csv.empty() && o.files.size() > 1)
    return fail(ErrorCode::invalid_argument, "--csv is for one compressed file, not {}", o.files.size());
  std::vector<const OtherEncoder*> encoders;
  for (const std::string& name : o.against) {
    FL_TRY(encoders.emplace_back(), find_other_encoder(name));
  }
  const auto open = [&](const std::string& path) -> Result<TextFile> {
    if (!path.empty())
      for (const std::string& file : o.files) FL_CHECK(OutputFile::check(path, file, o.overwrite));
    return TextFile::open(path, {o.reference.path}, o.overwrite);
  };
  FL_TRY(TextFile csv, open(o.csv));
  FL_TRY(TextFile json, open(o.json));
  FL_TRY(TextFile frame_plot, open(o.frame_plot));
  FL_TRY(TextFile rate_plot, open(o.rate_plot));
  std::vector<RateCurve> curves{{"compressed", {}}};
  for (const std::string& file : o.files) {
    FL_TRY(VideoEvaluation e, evaluate(o, file));
    curves[0].files.push_back({file, std::move(e)});
    print(curves[0].files.back());
  }
  for (const OtherEncoder* encoder : encoders) {
    FL_TRY(curves.emplace_back(), curve_of(o, *encoder, curves[0]));
  }
  for (size_t i = 1; i < curves.size(); ++i) print_difference(curves[0], curves[i]);
  FL_CHECK(csv.add(frames_csv(curves[0].files[0].evaluation)));
  FL_CHECK(json.add(to_json(curves)));
  FL_CHECK(frame_plot.add(frame_chart(curves[0])));
  FL_CHECK(rate_plot.add(rate_chart(curves)));
  for (TextFile* file : {&csv, &json, &frame_plot, &rate_plot}) FL_CHECK(file->commit());
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
               "Encode the reference with these as well, up to the same rates: x264, x265, svtav1; with several files "
               "BD-rates, too")
      ->delimiter(',');
  c.add_option("--csv", o->csv, "Write every frame's figures to this file");
  c.add_option("--json", o->json, "Write the means of all files to this file");
  c.add_option("--plot", o->frame_plot, "Draw the PSNR of every frame: an SVG file");
  c.add_option("--rate-plot", o->rate_plot, "Draw PSNR over bits per pixel, with --against theirs too: an SVG file");
  c.add_flag("--overwrite", o->overwrite, "Replace existing files");
  c.add_flag("-q,--quiet", o->quiet, "No progress");
  c.footer(
      "PSNR is the mean over the frames of 10 log10(1 / (mse + 1e-9)), as the authors of HiNeRV have it: of R'G'B' "
      "from\n"
      "0 to 1 as the network gives them, and of the planes of the decoded frames.\n"
      "Examples:\n"
      "  framelift evaluate in.mp4 out.fnv\n"
      "  framelift evaluate in.mp4 out.fnv --frames 64 --csv frames.csv\n"
      "  framelift evaluate in.mp4 small.fnv medium.fnv large.fnv --against x264,x265,svtav1 --rate-plot rates.svg");
  c.callback([o, &run] {
    run = [o] {
      const Status status = run_evaluate(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace framelift
