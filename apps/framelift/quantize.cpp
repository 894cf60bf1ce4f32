// framelift quantize: a float model to 8-bit integers, and the proof that it is good enough.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/engine_options.h"
#include "apps/framelift/shared/progress.h"
#include "apps/framelift/shared/text_file.h"
#include "base/line_chart.h"
#include "network/model_store.h"
#include "pipeline/tuning/network_speed.h"
#include "quantize/gate.h"
#include "quantize/restore_layers.h"

namespace framelift {
namespace {

struct QuantizeCommand {
  std::string model, from, mode = "full", ranges = "mse", name, report, chart;
  SampleOptions calibration, check;
  PostTrainingOptions options;
  EngineOptions engine;
  double least_psnr = 0, largest_shift = -1;
  bool force = false, overwrite = false, quiet = false;
};

class StepPrinter {
 public:
  explicit StepPrinter(bool quiet) : terminal_(!quiet && isatty(STDERR_FILENO) != 0) {}
  void operator()(const std::string& what, size_t done, size_t all) {
    if (!terminal_ || all == 0) return;
    fmt::print(stderr, "\r\033[K{} {} {}/{}", progress_bar(static_cast<double>(done) / static_cast<double>(all)), what,
               done, all);
    std::fflush(stderr);
  }
  void finish() const {
    if (terminal_) fmt::print(stderr, "\r\033[K");
  }

 private:
  bool terminal_;
};

struct Outcome {
  GateReport gate;
  std::vector<std::string> objections;
  std::vector<RestoreStep> steps;
  double integer_share = 0;
  size_t integer_layers = 0, weight_only_layers = 0, floating_layers = 0;
  std::vector<Operation> convolutions;             // as the engine runs them; empty: it does not say
  double speed_over_f32 = 0, speed_over_auto = 0;  // of the network alone, against the float model
};

Result<double> frames_per_second(const Network& network, const SampleInputs& sample, Backend& backend,
                                 CompileOptions compile, Precision precision) {
  constexpr double seconds = 1;
  FL_TRY(const Graph graph, build_for(network, sample));
  compile.precision = precision;
  FL_TRY(const auto executable, backend.compile(graph, network.parameters, compile));
  FL_TRY(const NetworkSpeed speed, measure_speed(*executable, seconds));
  return speed.frames_per_second();
}

Status measure_speeds(const Network& floating, const Network& quantized, const SampleInputs& sample, Backend& backend,
                      const CompileOptions& compile, Outcome& outcome) {
  FL_TRY(const double f32, frames_per_second(floating, sample, backend, compile, Precision::f32));
  FL_TRY(const double automatic, frames_per_second(floating, sample, backend, compile, Precision::automatic));
  FL_TRY(const double integer, frames_per_second(quantized, sample, backend, compile, Precision::automatic));
  outcome.speed_over_f32 = integer / f32;
  outcome.speed_over_auto = integer / automatic;
  return {};
}

// What became of the layers: an engine may compute with floats where integers are asked for.
Status list_convolutions(const Network& network, const SampleInputs& sample, Backend& backend, CompileOptions compile,
                         Outcome& outcome) {
  FL_TRY(const Graph graph, build_for(network, sample));
  compile.profile = true;
  FL_TRY(const auto executable, backend.compile(graph, network.parameters, compile));
  for (const Operation& operation : executable->operations())
    if (operation.kind == "Convolution") outcome.convolutions.push_back(operation);
  return {};
}

void count_layers(const Network& network, const Graph& graph, Outcome& outcome) {
  for (const QuantizableLayer& layer : quantizable_layers(graph)) {
    const auto found = network.quantized_layers.find(layer.weight);
    if (found == network.quantized_layers.end())
      ++outcome.floating_layers;
    else
      ++(found->second.input ? outcome.integer_layers : outcome.weight_only_layers);
  }
}

std::string to_json(const QuantizeCommand& o, const Outcome& out) {
  const GateReport& g = out.gate;
  nlohmann::ordered_json json{
      {"model", o.model},
      {"mode", o.mode},
      {"layers",
       {{"integer", out.integer_layers}, {"weight_only", out.weight_only_layers}, {"floating", out.floating_layers}}},
      {"integer_share_of_multiply_adds", out.integer_share},
      {"pictures", g.pictures},
      {"psnr", g.psnr},
      {"psnr_y", g.psnr_y},
      {"ssim", g.ssim},
      {"worst", {{"picture", g.worst}, {"psnr", g.worst_psnr}}},
      {"color_shift_10_bit", g.color_shift}};
  if (g.delta_e_itp) json["delta_e_itp"] = *g.delta_e_itp;
  if (g.truth_loss) json["loss_against_truth_db"] = *g.truth_loss;
  if (g.added_flicker) json["added_flicker_percent"] = *g.added_flicker;
  json["speed_over"] = {{"f32", out.speed_over_f32}, {"auto", out.speed_over_auto}};
  for (const Operation& operation : out.convolutions)
    json["kernels"].push_back(
        {{"operation", operation.name}, {"kernel", operation.kernel}, {"input", operation.precision}});
  for (const RestoreStep& step : out.steps)
    json["restored"].push_back({{"layer", step.layer}, {"psnr", step.psnr}, {"integer_share", step.integer_share}});
  json["objections"] = out.objections;
  return json.dump(2) + '\n';
}

std::string to_chart(const QuantizeCommand& o, const Outcome& out) {
  LineChart chart;
  chart.title = fmt::format("{}: PSNR in dB as layers go back to floats", o.model);
  chart.x_name = "multiply-adds of integers, %";
  chart.dots = true;
  Curve curve{"PSNR on the calibration pictures", {}, {}};
  for (const RestoreStep& step : out.steps) {
    curve.x.push_back(100 * step.integer_share);
    curve.y.push_back(step.psnr);
  }
  chart.curves = {curve};
  return line_chart_svg(chart);
}

void print(const Outcome& out) {
  const GateReport& g = out.gate;
  fmt::print("layers      {} with integers, {} with integer weights, {} with floats; {:.1f} % of the multiply-adds\n",
             out.integer_layers, out.weight_only_layers, out.floating_layers, 100 * out.integer_share);
  std::map<std::string, int> kernels;
  for (const Operation& operation : out.convolutions) ++kernels[operation.kernel];
  std::string text;
  for (const auto& [kernel, count] : kernels) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, kernel);
  if (!text.empty()) fmt::print("kernels     {} as the engine runs them\n", text);
  fmt::print("speed       {:.2f} times f32, {:.2f} times --precision auto\n", out.speed_over_f32, out.speed_over_auto);
  for (size_t i = 1; i < out.steps.size(); ++i)
    fmt::print("  restored  {}: {:.2f} dB\n", out.steps[i].layer, out.steps[i].psnr);
  fmt::print("against the float model, {} pictures that it was not made with\n", g.pictures);
  fmt::print("  PSNR      {:.2f} dB, luma {:.2f} dB, SSIM {:.5f}\n", g.psnr, g.psnr_y, g.ssim);
  fmt::print("  worst     {:.2f} dB, {}\n", g.worst_psnr, g.worst);
  if (g.delta_e_itp) fmt::print("  Delta E   {:.3f} ITP\n", *g.delta_e_itp);
  if (g.truth_loss) fmt::print("  truth     {:.3f} dB lost against the true pictures\n", *g.truth_loss);
  fmt::print("  colour    {:+.3f} {:+.3f} {:+.3f} code values of 10 bits (R, G, B)\n", g.color_shift[0],
             g.color_shift[1], g.color_shift[2]);
  if (g.added_flicker) fmt::print("  flicker   {:.3f} % added\n", *g.added_flicker);
}

// A model that training made of a quantised one.
Result<Network> open_trained(const QuantizeCommand& o, const Network& floating) {
  FL_TRY(Network trained, open_model(o.from));
  if (trained.architecture != floating.architecture || trained.hyper != floating.hyper ||
      trained.quantized_layers.empty())
    return fail(ErrorCode::invalid_argument, "{}: is no quantised model of {}", o.from, o.model);
  return trained;
}

// What suffices for pictures seen may not for others: asks for more by what was missing there.
Status restore_layers(const Network& floating, const SamplePictures& samples, const SamplePictures& unseen,
                      const GateBounds& bounds, Backend& backend, const CompileOptions& compile, StepPrinter& steps,
                      QuantizedNetwork& made, Outcome& out) {
  constexpr int rounds = 3;
  constexpr double margin = 0.2;
  CompileOptions exact = compile;
  exact.precision = Precision::f32;
  FL_TRY(const auto expected, run_samples(floating, samples.inputs, backend, exact));
  RestoreOptions restoring{bounds.psnr, compile,
                           [&](const auto& what, size_t done, size_t all) { steps(what, done, all); }, &interruption()};
  for (int round = 0; round < rounds; ++round) {
    FL_TRY(const auto found, restore_until_good(made, samples.inputs, expected, backend, restoring));
    out.steps.insert(out.steps.end(), found.begin() + (round > 0), found.end());
    FL_TRY(out.gate, measure_quantized(floating, made.network, unseen, backend, compile));
    if (out_of_bounds(out.gate, bounds).empty() || made.network.quantized_layers.empty()) break;
    restoring.psnr = found.back().psnr + std::max(bounds.psnr - out.gate.psnr, 0.0) + margin;
  }
  return {};
}

// The objections in one line, with the layers that may be why.
Result<std::string> explain(const std::vector<std::string>& objections, const Network& quantized,
                            const SamplePictures& unseen, Backend& backend, const CompileOptions& compile) {
  constexpr size_t named = 3;
  std::string text = fmt::format("{}", fmt::join(objections, "; "));
  if (objections.empty()) return text;
  FL_TRY(const auto narrow, narrow_layers(quantized, std::span(unseen.inputs).first(1), backend, compile));
  for (size_t i = 0; i < std::min(named, narrow.size()); ++i)
    text += fmt::format("; {} is calibrated for {:.3g} to {:.3g} and sees {:.3g} to {:.3g}, {:.0f} % beyond",
                        narrow[i].weight, narrow[i].low, narrow[i].high, narrow[i].seen_low, narrow[i].seen_high,
                        100 * narrow[i].beyond);
  if (narrow.size() > named) text += fmt::format("; {} more layers", narrow.size() - named);
  return text;
}

Status quantize(QuantizeCommand& o) {
  FL_TRY(o.options.range.method, parse_range_method(o.ranges));
  if (o.mode == "mixed") o.options.choose = choose_mixed;
  FL_TRY(const Network floating, open_model(o.model));
  const std::string name =
      !o.name.empty() ? o.name : fmt::format("{}.{}", floating.name, o.mode == "auto" ? "int8" : "int8-" + o.mode);
  if (o.calibration.sources.empty() && (o.from.empty() || o.check.sources.empty()))
    return fail(ErrorCode::invalid_argument, "{} needs {} with clips or pictures",
                o.from.empty() ? "quantize" : "--from", o.from.empty() ? "--calibrate" : "--check");
  const auto installed = list_models();
  if (!o.overwrite && std::ranges::find(installed, name, &StoredModel::name) != installed.end())
    return fail(ErrorCode::already_exists, "a model called {} is installed already; use --overwrite or another --name",
                name);
  FL_TRY(TextFile report, TextFile::open(o.report, {}, o.overwrite));
  FL_TRY(TextFile chart, TextFile::open(o.chart, {}, o.overwrite));
  FL_TRY(CompileOptions compile, o.engine.compile_options());
  compile.cache_dir.clear();  // each network is run once
  FL_TRY(Backend* const backend, find_backend(o.engine.backend, floating, compile));

  // Without clips to check with, the last third of each is kept for that.
  if (o.check.sources.empty()) {
    o.check.sources = o.calibration.sources;
    o.calibration.end = o.check.begin = 2.0 / 3;
  }
  o.calibration.threads = o.check.threads = o.options.threads = compile.threads;
  o.check.consecutive = true;
  SamplePictures samples;
  if (o.from.empty()) {
    FL_TRY(samples, read_samples(floating, *backend, o.calibration));
  }
  FL_TRY(const SamplePictures unseen, read_samples(floating, *backend, o.check, true));

  StepPrinter steps(o.quiet);
  o.options.on_layer = [&](size_t done, size_t all) { steps("layers", done, all); };
  o.options.cancel = &interruption();
  QuantizedNetwork made;
  if (o.from.empty()) {
    FL_TRY(made, quantize_network(floating, samples.inputs, *backend, o.options));
  } else {
    FL_TRY(made.network, open_trained(o, floating));
  }
  GateBounds bounds = usual_bounds(floating);
  if (o.least_psnr > 0) bounds.psnr = o.least_psnr;
  if (o.largest_shift >= 0) bounds.color_shift = o.largest_shift;

  Outcome out;
  if (o.mode == "auto" && o.from.empty()) {
    FL_CHECK(restore_layers(floating, samples, unseen, bounds, *backend, compile, steps, made, out));
  } else {
    FL_TRY(out.gate, measure_quantized(floating, made.network, unseen, *backend, compile));
  }
  steps.finish();
  out.objections = out_of_bounds(out.gate, bounds);
  FL_TRY(out.integer_share, integer_share(made.network));
  FL_CHECK(list_convolutions(made.network, unseen.inputs[0], *backend, compile, out));
  FL_CHECK(measure_speeds(floating, made.network, unseen.inputs[0], *backend, compile, out));
  FL_TRY(const Graph sample, floating.build_sample(16));
  count_layers(made.network, sample, out);
  print(out);
  FL_CHECK(report.add(to_json(o, out)));
  FL_CHECK(report.commit());
  FL_CHECK(chart.add(to_chart(o, out)));
  FL_CHECK(chart.commit());

  FL_TRY(const std::string objections, explain(out.objections, made.network, unseen, *backend, compile));
  if (!out.objections.empty() && !o.force)
    return fail(ErrorCode::invalid_data,
                "{} is not good enough and was not written: {}. Calibrate with pictures like those it will see, use "
                "--mode auto, or --force",
                name, objections);
  FL_TRY(const StoredModel stored,
         store_model(made.network, name,
                     {{"quantized", o.from.empty() ? o.mode : "trained"},
                      {"quantized_psnr", fmt::format("{:.2f}", out.gate.psnr)},
                      {"quantized_speed", fmt::format("{:.2f}", out.speed_over_f32)},
                      {"quantized_proven", out.objections.empty() ? "yes" : "no: " + objections}},
                     o.overwrite));
  if (!out.objections.empty()) fmt::print(stderr, "framelift: written all the same (--force): {}\n", objections);
  fmt::print("{}: installed as {}\n", stored.path.string(), stored.name);
  return {};
}

}  // namespace

void add_quantize_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<QuantizeCommand>();
  o->calibration.pictures = 6;
  o->check.pictures = 12;
  o->check.width = 384;
  o->check.height = 256;
  CLI::App* c = app.add_subcommand("quantize", "Make an 8-bit integer model of a float one, and prove it");
  c->add_option("model", o->model, "Installed model or weight file")->required();
  c->add_option("--calibrate", o->calibration.sources, "Clips and pictures to learn the ranges from");
  c->add_option("--from", o->from, "Only prove and install this quantised model, of framelift train");
  c->add_option("--check", o->check.sources, "Others to measure with; default: the last third of those");
  c->add_option(
       "--mode", o->mode,
       "full: every convolution; mixed: small 1x1 convolutions, and the weights of the others; auto: layers go "
       "back to floats until the result is good enough")
      ->check(CLI::IsMember({"full", "mixed", "auto"}))
      ->capture_default_str();
  c->add_option("--ranges", o->ranges, "How ranges are chosen: mse, minmax, percentile")
      ->check(CLI::IsMember({"mse", "minmax", "percentile"}))
      ->capture_default_str();
  c->add_option("--percentile", o->options.range.percentile, "Share of values inside, of --ranges percentile")
      ->check(CLI::Range(0.5, 1.0))
      ->capture_default_str();
  c->add_flag("--symmetric", o->options.range.symmetric, "Integers from -128 to 127 for every input");
  c->add_flag("!--no-equalise", o->options.equalise, "Leave the channels' scales as they are");
  c->add_flag("!--nearest", o->options.round_for_output, "Round each weight to its nearest integer");
  c->add_flag("!--no-bias-correction", o->options.correct_bias, "Leave the biases as they are");
  c->add_option("--pictures", o->calibration.pictures, "To learn from, over all clips")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  c->add_option("--check-pictures", o->check.pictures, "To measure with, over all clips")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  c->add_option("--psnr", o->least_psnr, "What the result needs, dB; default: 42, of HDR 45")
      ->check(CLI::Range(0.0, 200.0));
  c->add_option("--color-shift", o->largest_shift, "Largest mean shift of a channel, 10-bit codes; default: of HDR 0.5")
      ->check(CLI::Range(0.0, 1023.0));
  c->add_option("--name", o->name, "Of the new model; default: the model's with .int8-full, .int8-mixed or .int8");
  c->add_option("--report", o->report, "Write the figures to this JSON file");
  c->add_option("--chart", o->chart, "Draw PSNR over the share of integers to this SVG file (--mode auto)");
  c->add_flag("--force", o->force, "Write the model even if it is not good enough, marked so");
  c->add_flag("--overwrite", o->overwrite, "Replace a model or report that is there");
  c->add_flag("-q,--quiet", o->quiet, "No progress");
  c->add_option("--backend", o->engine.backend, "auto, openvino or reference")->capture_default_str();
  c->add_option("--threads", o->engine.threads, "CPU threads; 0 takes all")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  c->footer(
      "Examples:\n"
      "  framelift quantize general-x4v3 --calibrate clip1.mp4 clip2.mp4 --check other.mp4\n"
      "  framelift quantize hdrtvnet --mode auto --calibrate clip.mp4 --report int8.json\n"
      "  framelift upscale in.mp4 out.mkv --model general-x4v3 --precision int8-full\n");
  c->callback([o, &run] {
    run = [o] {
      const Status status = quantize(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace framelift
