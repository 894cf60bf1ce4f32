#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/progress.h"
#include "apps/framelift/shared/text_file.h"
#include "base/log.h"
#include "metrics/compare_videos.h"

namespace framelift {
namespace {

struct CompareCommand {
  CompareJob job;
  std::string csv, stats;
  bool overwrite = false, quiet = false;
};

// Indices into quality_metrics of what was measured.
std::vector<size_t> measured(const VideoComparison& result) {
  std::vector<size_t> metrics;
  for (size_t i = 0; i < quality_metrics.size(); ++i)
    if (!result.quality.empty() && !std::isnan(result.quality.front().values[i])) metrics.push_back(i);
  return metrics;
}

std::string to_csv(const VideoComparison& result) {
  const auto metrics = measured(result);
  std::string text = "frame,time";
  for (size_t m : metrics) text += fmt::format(",{}", quality_metrics[m].name);
  text += '\n';
  for (size_t i = 0; i < result.quality.size(); ++i) {
    const FrameQuality& frame = result.quality[i];
    text += std::isnan(frame.time_seconds) ? fmt::format("{},", i) : fmt::format("{},{:.6f}", i, frame.time_seconds);
    for (size_t m : metrics) text += fmt::format(",{:.9g}", frame.values[m]);
    text += '\n';
  }
  return text;
}

std::string to_json(const CompareCommand& o, const VideoComparison& result) {
  // JSON has no infinity and no NaN: both are written as null.
  nlohmann::ordered_json json{{"a", o.job.a.path}, {"b", o.job.b.path}, {"frames", result.frames}};
  for (size_t m : measured(result)) {
    const QualitySummary s = summarise(result.quality, m);
    json["metrics"][quality_metrics[m].name] = {{"mean", s.mean},
                                                {"worst", s.worst},
                                                {"worst_frame", s.worst_frame},
                                                {"worst_time", result.quality[s.worst_frame].time_seconds}};
  }
  if (o.job.flicker)
    json["flicker"] = {{"added", result.flicker.added},
                       {"a", result.flicker.source},
                       {"b", result.flicker.result},
                       {"frames", result.flicker.frames}};
  return json.dump(2) + '\n';
}

void print_table(const CompareCommand& o, const VideoComparison& result) {
  if (!result.quality.empty()) fmt::print("{:<12} {:>12} {:>12} {:>8} {:>10}\n", "", "mean", "worst", "frame", "time");
  const auto figure = [](const QualityMetric& m, double value) {
    return fmt::format("{:.{}f}{}{}", value, *m.unit ? 2 : 4, *m.unit ? " " : "", m.unit);
  };
  for (size_t m : measured(result)) {
    const QualityMetric& metric = quality_metrics[m];
    const QualitySummary s = summarise(result.quality, m);
    const double time = result.quality[s.worst_frame].time_seconds;
    fmt::print("{:<12} {:>12} {:>12} {:>8} {:>10}\n", metric.title, figure(metric, s.mean), figure(metric, s.worst),
               s.worst_frame, std::isnan(time) ? "-" : fmt::format("{:.3f} s", time));
  }
  if (!o.job.flicker) return;
  const FlickerScore& f = result.flicker;
  if (f.frames == 0)
    fmt::print("flicker      too short: no shot has {} frames\n", FlickerMeter::window);
  else
    fmt::print("flicker      {:.3f} % added; {:.3f} % in A, {:.3f} % in B, of the luminance\n", f.added, f.source,
               f.result);
}

Status compare(CompareCommand& o) {
  CompareJob& job = o.job;
  if (job.a.path == "-" && job.b.path == "-")
    return fail(ErrorCode::invalid_argument, "only one of the two can come from stdin");
  job.b.start_seconds = job.a.start_seconds;
  job.b.duration_seconds = job.a.duration_seconds;
  job.b.max_frames = job.a.max_frames;
  job.quality_needed = !o.csv.empty();
  FL_TRY(TextFile csv, TextFile::open(o.csv, {job.a.path, job.b.path}, o.overwrite));
  FL_TRY(TextFile stats, TextFile::open(o.stats, {job.a.path, job.b.path}, o.overwrite));
  if (!o.csv.empty() && o.csv == o.stats)
    return fail(ErrorCode::invalid_argument, "{}: --csv and --stats cannot share a file", o.csv);

  ProgressPrinter progress;
  const auto begin = Clock::now();
  job.cancel = &interruption();
  if (!o.quiet)
    job.on_frame = [&](int64_t frames, int64_t total) {
      Progress p{frames, total, static_cast<double>(frames) / seconds_between(begin, Clock::now())};
      if (total >= frames) p.seconds_left = static_cast<double>(total - frames) / p.fps;
      progress(p);
    };
  auto result = compare_videos(job);
  progress.finish();
  if (!result) return fail(std::move(result.error()));

  if (result->a_is_longer || result->b_is_longer)
    log::warn("{}: goes on after {}; the {} frames that both have were compared",
              result->a_is_longer ? job.a.path : job.b.path, result->a_is_longer ? job.b.path : job.a.path,
              result->frames);
  if (result->quality.empty()) log::warn("the pictures differ in size or dynamic range: flicker alone was compared");
  FL_CHECK(csv.add(to_csv(*result)));
  FL_CHECK(csv.commit());
  FL_CHECK(stats.add(to_json(o, *result)));
  FL_CHECK(stats.commit());
  print_table(o, *result);
  return {};
}

}  // namespace

void add_compare_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<CompareCommand>();
  CLI::App& c = *app.add_subcommand("compare", "How much two videos or pictures differ: PSNR, SSIM, and HDR metrics");
  c.add_option("a", o->job.a.path, "The reference: video, picture, folder, 'dir/%04d.png', or - for stdin")->required();
  c.add_option("b", o->job.b.path, "What is compared with it, of the same size")->required();
  c.add_flag("--flicker", o->job.flicker,
             "Also how much B's brightness flickers more than A's; works between SDR and HDR and between sizes, too");
  c.add_option("--start", o->job.a.start_seconds, "Seconds to skip in both")->check(CLI::Range(0.0, 1e9));
  c.add_option("--duration", o->job.a.duration_seconds, "Seconds to compare")->check(CLI::Range(0.0, 1e9));
  c.add_option("--frames", o->job.a.max_frames, "Frames to compare")->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  c.add_option("--csv", o->csv, "Write every frame's PSNR and so on to this file");
  c.add_option("--stats", o->stats, "Write the summary as JSON to this file");
  c.add_flag("--overwrite", o->overwrite, "Replace existing files");
  c.add_flag("-q,--quiet", o->quiet, "No progress");
  c.footer(
      "PSNR and SSIM are taken in A's own transfer curve; PQ and HLG pictures also get Delta E ITP (BT.2124) and\n"
      "PU21-PSNR. The mean of a PSNR is that of the mean squared error. Frames count from 0.\n"
      "Examples:\n"
      "  framelift compare original.mp4 encoded.mkv\n"
      "  framelift compare master.mkv hdr.mkv --csv frames.csv --stats summary.json\n"
      "  framelift compare original.png other.jpg\n"
      "  framelift compare sdr.mp4 hdr.mkv --flicker");
  c.callback([o, &run] {
    run = [o] {
      const Status status = compare(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace framelift
