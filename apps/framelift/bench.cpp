#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/bench_chart.h"
#include "apps/framelift/shared/engine_options.h"
#include "apps/framelift/shared/text_file.h"
#include "graph/analysis.h"
#include "pipeline/tuning/network_speed.h"
#include "pipeline/tuning/tuner.h"
#include "pipeline/video_job.h"

namespace framelift {
namespace {

struct NetworkBenchOptions {
  EngineOptions engine;
  std::string size = "320x180";
  std::vector<int> batches{1};
  double seconds = 5;
  std::string csv, chart;
  bool json = false;
  bool resident = false;
  bool search = false;
  bool overwrite = false;
};

// Of one batch size. A batch is one run of the network; figures of frames divide by its pictures.
struct NetworkFigures {
  int batch = 1, streams = 1;
  Precision precision = Precision::automatic;
  int64_t frames = 0;
  double ms_per_frame = 0;                    // wall time / frames with every stream busy
  double p50_ms = 0, p95_ms = 0, p99_ms = 0;  // of a batch from start to end under that load
  double gflop_per_frame = 0, compile_seconds = 0;
  int64_t resident_bytes = 0;  // of the process, with the network and all requests
};

Result<NetworkFigures> bench_batch(const NetworkBenchOptions& o, const Network& network, Backend& backend,
                                   const CompileOptions& compile, const PictureSize& size, int batch) {
  FL_TRY(const Graph graph, network.build(batch, size.height, size.width));
  CompileOptions options = compile;
  if (o.engine.mode == "auto") {
    FL_TRY(const Tuning tuning,
           tune({&network, &backend, compile, size.height, size.width, batch, batch}, o.engine.tuning_file()));
    options = with_setting(options, tuning.best);
  }
  const auto begin = Clock::now();
  FL_TRY(const auto executable, backend.compile(graph, network.parameters, options));
  const double compile_seconds = seconds_between(begin, Clock::now());
  FL_TRY(const NetworkSpeed speed, measure_speed(*executable, o.seconds));
  NetworkFigures figures;
  figures.batch = batch;
  figures.frames = speed.frames;
  figures.ms_per_frame = 1e3 / speed.frames_per_second();
  figures.p50_ms = 1e3 * speed.latency.quantile(0.5);
  figures.p95_ms = 1e3 * speed.latency.quantile(0.95);
  figures.p99_ms = 1e3 * speed.latency.quantile(0.99);
  figures.streams = executable->streams();
  figures.precision = executable->precision();
  figures.resident_bytes = resident_bytes();
  figures.compile_seconds = compile_seconds;
  figures.gflop_per_frame = static_cast<double>(graph_cost(graph).flops) * 1e-9 / batch;
  return figures;
}

nlohmann::ordered_json to_json(const NetworkBenchOptions& o, const Network& network, const Backend& backend,
                               const NetworkFigures& f) {
  return {{"model", network.name},
          {"backend", backend.name()},
          {"precision", to_string(f.precision)},
          {"mode", o.engine.mode},
          {"size", o.size},
          {"batch", f.batch},
          {"streams", f.streams},
          {"resident", o.resident},
          {"frames", f.frames},
          {"ms_per_frame", f.ms_per_frame},
          {"fps", 1e3 / f.ms_per_frame},
          {"p50_ms", f.p50_ms},
          {"p95_ms", f.p95_ms},
          {"p99_ms", f.p99_ms},
          {"gflop_per_frame", f.gflop_per_frame},
          {"gflops", f.gflop_per_frame / f.ms_per_frame * 1e3},
          {"compile_seconds", f.compile_seconds},
          {"resident_bytes", f.resident_bytes},
          {"peak_resident_bytes", peak_resident_bytes()}};
}

std::string to_csv(const std::vector<nlohmann::ordered_json>& rows) {
  std::string text;
  for (const auto& [key, value] : rows.front().items()) text += (text.empty() ? "" : ",") + key;
  text += '\n';
  for (const auto& row : rows) {
    std::string line;
    for (const auto& [key, value] : row.items())
      line += (line.empty() ? "" : ",") + (value.is_string() ? value.get<std::string>() : value.dump());
    text += line + '\n';
  }
  return text;
}

std::string to_chart(const std::string& title, const std::vector<nlohmann::ordered_json>& rows) {
  std::vector<Bar> bars;
  for (const auto& [key, axis] : {std::pair{"fps", "frames a second"}, {"p99_ms", "99 % of batches take less, ms"}})
    for (const auto& row : rows)
      bars.push_back({axis, fmt::format("batch {}", row["batch"].get<int>()), row["precision"], row[key], ""});
  return chart_page(title, bar_chart_svg(title, "", "", bars));
}

// The search for the fastest setting, with everything it tried.
Status find_fastest(const NetworkBenchOptions& o, const TuningSubject& subject) {
  FL_TRY(const Tuning tuning, tune(subject, o.engine.tuning_file()));
  if (o.json) {
    nlohmann::ordered_json trials = nlohmann::ordered_json::array();
    for (const TuningTrial& t : tuning.trials)
      trials.push_back({{"batch", t.setting.batch},
                        {"streams", t.setting.streams},
                        {"threads", t.setting.threads},
                        {"fps", t.fps},
                        {"failure", t.failure}});
    const nlohmann::ordered_json found{{"batch", tuning.best.batch},
                                       {"streams", tuning.best.streams},
                                       {"threads", tuning.best.threads},
                                       {"fps", tuning.fps},
                                       {"reason", tuning.reason},
                                       {"remembered", tuning.remembered},
                                       {"trials", trials}};
    fmt::print("{}\n", found.dump(2));
    return {};
  }
  for (const TuningTrial& t : tuning.trials)
    fmt::print("{}: {}\n", to_string(t.setting), t.failure.empty() ? fmt::format("{:.1f} fps", t.fps) : t.failure);
  fmt::print("{}{}\n", tuning.remembered ? "remembered: " : "", tuning.reason);
  return {};
}

Status bench_network(const NetworkBenchOptions& o) {
  FL_TRY(TextFile csv, TextFile::open(o.csv, {}, o.overwrite));
  FL_TRY(TextFile chart, TextFile::open(o.chart, {}, o.overwrite));
  FL_TRY(PictureSize size, parse_size("--size", o.size));
  FL_TRY(const Network network, o.engine.load());
  FL_TRY(CompileOptions compile, o.engine.compile_options());
  compile.resident = o.resident;
  FL_TRY(Backend * backend, find_backend(o.engine.backend, network, compile));
  // What a job gives the network: whole steps of its alignment.
  const int step = network.contract.alignment;
  const auto whole = [&](int length) { return (length + step - 1) / step * step; };
  size = {whole(size.width), whole(size.height)};

  if (o.search) {
    const int largest = std::ranges::max(o.batches);
    return find_fastest(o, {&network, backend, compile, size.height, size.width, 1, largest > 1 ? largest : 8});
  }

  std::vector<nlohmann::ordered_json> rows;
  for (const int batch : o.batches) {
    FL_TRY(const NetworkFigures f, bench_batch(o, network, *backend, compile, size, batch));
    rows.push_back(to_json(o, network, *backend, f));
    if (!o.json)
      fmt::print(
          "{} {} {} on {}, batch {}, {} streams: {:.2f} ms a frame ({:.2f} fps, {:.0f} GFLOP/s), a batch "
          "{:.2f} ms, 95 % {:.2f}, 99 % {:.2f}, {} MiB\n",
          network.name, o.size, to_string(f.precision), backend->name(), f.batch, f.streams, f.ms_per_frame,
          1e3 / f.ms_per_frame, f.gflop_per_frame / f.ms_per_frame * 1e3, f.p50_ms, f.p95_ms, f.p99_ms,
          f.resident_bytes >> 20);
  }
  if (o.json) fmt::print("{}\n", rows.size() == 1 ? rows.front().dump(2) : nlohmann::ordered_json(rows).dump(2));
  FL_CHECK(csv.add(to_csv(rows)));
  FL_CHECK(csv.commit());
  FL_CHECK(chart.add(to_chart(fmt::format("{} at {}", network.name, o.size), rows)));
  return chart.commit();
}

}  // namespace

void add_bench_command(CLI::App& app, Run& run) {
  CLI::App& bench = *app.add_subcommand("bench", "Measure speed");
  bench.require_subcommand(1);
  bench.footer(
      "Examples:\n"
      "  framelift bench network --model animevideov3 --size 640x360 --precision bf16\n"
      "  framelift bench model hdr.safetensors --batch 1,2,4,8 --mode latency --chart batches.html\n"
      "  framelift bench model animevideov3 --size 640x360 --auto\n"
      "  framelift bench matrix --models animevideov3,general-x4v3 --precisions f32,bf16 --csv matrix.csv");
  add_bench_matrix_command(bench, run);
  auto o = std::make_shared<NetworkBenchOptions>();
  CLI::App& c = *bench.add_subcommand("network", "The network alone, with every stream of the engine busy");
  c.alias("model");
  o->engine.add_to(c);
  o->engine.add_denoise_to(c);
  c.add_option("name", o->engine.model, "The same as --model");
  c.add_option("--size", o->size, "WIDTHxHEIGHT of the input")->capture_default_str();
  c.add_option("--batch", o->batches, "Pictures in one run of the network; several: 1,2,4,8")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  c.add_option("--seconds", o->seconds, "How long to measure")->check(CLI::Range(0.1, 3600.0))->capture_default_str();
  c.add_flag("--resident", o->resident, "Leave input and output on the GPU: the layers without the way there and back");
  c.add_flag("--json", o->json, "Print JSON: an object, or a list of them for several batches");
  c.add_option("--csv", o->csv, "Write a table to this file");
  c.add_option("--chart", o->chart, "Write bars of speed and latency to this file, as HTML");
  c.add_flag("--overwrite", o->overwrite, "Replace existing files");
  c.add_flag("--auto", o->search,
             "Search batch (up to --batch, default 8), streams and threads for the fastest, and say why; kept on disk")
      ->excludes("--csv", "--chart");
  c.callback([o, &run] {
    run = [o] {
      const Status status = bench_network(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace framelift
