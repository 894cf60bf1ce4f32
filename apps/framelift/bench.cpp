#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/engine_options.h"
#include "graph/analysis.h"
#include "pipeline/video_job.h"

namespace framelift {
namespace {

struct NetworkBenchOptions {
  EngineOptions engine;
  std::string size = "320x180";
  double seconds = 5;
  bool json = false;
  bool resident = false;
};

struct NetworkFigures {
  int64_t frames = 0;
  double ms_per_frame = 0;  // wall time / frames with every stream busy
  double latency_ms = 0;    // median time of one frame under that load
};

// Keeps every request in flight until the time is up, after one untimed round.
Result<NetworkFigures> measure(Executable& executable, double seconds) {
  std::vector<std::unique_ptr<InferRequest>> requests;
  for (int i = 0; i < executable.streams(); ++i) {
    FL_TRY(auto request, executable.create_request());
    std::ranges::fill(request->input(0).f32(), 0.5f);
    requests.push_back(std::move(request));
  }
  for (auto& r : requests) FL_CHECK(r->start());
  for (auto& r : requests) FL_CHECK(r->wait());

  DurationHistogram latency;
  std::vector<Clock::time_point> started(requests.size());
  const auto begin = Clock::now();
  auto start = [&](size_t i) {
    started[i] = Clock::now();
    return requests[i]->start();
  };
  for (size_t i = 0; i < requests.size(); ++i) FL_CHECK(start(i));
  size_t running = requests.size();
  for (size_t i = 0; running > 0; i = (i + 1) % requests.size()) {
    if (started[i] == Clock::time_point{}) continue;
    FL_CHECK(requests[i]->wait());
    latency.add(seconds_between(started[i], Clock::now()));
    if (seconds_between(begin, Clock::now()) < seconds) {
      FL_CHECK(start(i));
    } else {
      started[i] = {};
      --running;
    }
  }
  NetworkFigures figures;
  figures.frames = latency.count();
  figures.ms_per_frame = 1e3 * seconds_between(begin, Clock::now()) / static_cast<double>(latency.count());
  figures.latency_ms = 1e3 * latency.quantile(0.5);
  return figures;
}

Status bench_network(const NetworkBenchOptions& o) {
  FL_TRY(const PictureSize size, parse_size("--size", o.size));
  FL_TRY(const Network network, o.engine.load());
  FL_TRY(CompileOptions compile, o.engine.compile_options());
  compile.resident = o.resident;
  FL_TRY(Backend * backend, find_backend(o.engine.backend, network, compile));
  // What a job gives the network: whole steps of its alignment.
  const int step = network.contract.alignment;
  const auto whole = [&](int length) { return (length + step - 1) / step * step; };
  FL_TRY(const Graph graph, network.build(1, whole(size.height), whole(size.width)));
  const auto begin = Clock::now();
  FL_TRY(const auto executable, backend->compile(graph, network.parameters, compile));
  const double compile_seconds = seconds_between(begin, Clock::now());
  FL_TRY(const NetworkFigures figures, measure(*executable, o.seconds));
  const GraphCost cost = graph_cost(graph);
  const double gflops = static_cast<double>(cost.flops) / figures.ms_per_frame * 1e-6;

  if (o.json) {
    const nlohmann::ordered_json json{{"model", network.name},
                                      {"backend", backend->name()},
                                      {"precision", to_string(executable->precision())},
                                      {"size", o.size},
                                      {"streams", executable->streams()},
                                      {"resident", o.resident},
                                      {"frames", figures.frames},
                                      {"ms_per_frame", figures.ms_per_frame},
                                      {"latency_ms", figures.latency_ms},
                                      {"gflop_per_frame", static_cast<double>(cost.flops) * 1e-9},
                                      {"gflops", gflops},
                                      {"compile_seconds", compile_seconds},
                                      {"peak_resident_bytes", peak_resident_bytes()}};
    fmt::print("{}\n", json.dump(2));
  } else {
    fmt::print("{} {} {} on {}, {} streams: {:.2f} ms a frame ({:.2f} fps, {:.0f} GFLOP/s), latency {:.2f} ms\n",
               network.name, o.size, to_string(executable->precision()), backend->name(), executable->streams(),
               figures.ms_per_frame, 1e3 / figures.ms_per_frame, gflops, figures.latency_ms);
  }
  return {};
}

}  // namespace

void add_bench_command(CLI::App& app, Run& run) {
  CLI::App& bench = *app.add_subcommand("bench", "Measure speed");
  bench.require_subcommand(1);
  bench.footer(
      "Examples:\n"
      "  framelift bench network --model animevideov3 --size 640x360 --precision bf16\n"
      "  framelift bench matrix --models animevideov3,general-x4v3 --precisions f32,bf16 --csv matrix.csv");
  add_bench_matrix_command(bench, run);
  auto o = std::make_shared<NetworkBenchOptions>();
  CLI::App& c = *bench.add_subcommand("network", "The network alone, with every stream of the engine busy");
  o->engine.add_to(c);
  c.add_option("--size", o->size, "WIDTHxHEIGHT of the input")->capture_default_str();
  c.add_option("--seconds", o->seconds, "How long to measure")->check(CLI::Range(0.1, 3600.0))->capture_default_str();
  c.add_flag("--resident", o->resident, "Leave input and output on the GPU: the layers without the way there and back");
  c.add_flag("--json", o->json, "Print JSON");
  c.callback([o, &run] {
    run = [o] {
      const Status status = bench_network(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace framelift
