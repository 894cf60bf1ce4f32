#include "apps/framelift/shared/engine_options.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "network/model_store.h"
#include "pipeline/video_job.h"

namespace framelift {
namespace {

// $XDG_CACHE_HOME/framelift or ~/.cache/framelift; empty when neither is known.
std::filesystem::path cache_folder() {
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg) return std::filesystem::path(xdg) / "framelift";
  if (const char* home = std::getenv("HOME"); home && *home) return std::filesystem::path(home) / ".cache/framelift";
  return {};
}

bool wants_integers(std::string_view precision) {
  return precision == "int8" || precision == "int8-full" || precision == "int8-mixed";
}

// The model, or its variant of integers where the precision asks for one.
Result<Network> open_model_for(const std::string& model, const std::string& precision) {
  if (!wants_integers(precision)) return open_model(model);
  FL_TRY(Network as_it_is, open_model(model));
  if (!as_it_is.quantized_layers.empty()) return as_it_is;
  const std::vector<std::string> endings =
      precision == "int8" ? std::vector<std::string>{"int8", "int8-full", "int8-mixed"} : std::vector{precision};
  const auto installed = list_models();
  for (const std::string& ending : endings)
    if (const auto found = std::ranges::find(installed, as_it_is.name + "." + ending, &StoredModel::name);
        found != installed.end())
      return load_network(found->path);
  return fail(ErrorCode::not_found, "model {} has no variant {}; make one: framelift quantize {} --calibrate CLIP{}",
              model, precision, model, precision.starts_with("int8-") ? " --mode " + precision.substr(5) : "");
}

}  // namespace

void EngineOptions::add_to(CLI::App& command) {
  command.add_option("-m,--model", model, "Model name (see 'framelift models list') or weight file")
      ->capture_default_str();
  add_engine_to(command);
}

void EngineOptions::add_denoise_to(CLI::App& command) {
  command
      .add_option("--denoise", denoise, "Denoising strength 0..1 of the general model: blends it with its weak twin")
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--denoise-model", denoise_model, "The weak twin for --denoise")->capture_default_str();
}

void EngineOptions::add_engine_to(CLI::App& command) {
  command
      .add_option("--backend", backend,
                  "auto, openvino, lut (colour table; per-pixel networks only), torch or reference")
      ->capture_default_str();
  command.add_option("--device", device, "auto, cpu, cuda or cuda:1; NVIDIA GPUs need the torch engine (make torch)")
      ->capture_default_str();
  command
      .add_option("--precision", precision,
                  "auto, f32, bf16, f16 on GPUs; int8, int8-full, int8-mixed: a model of framelift quantize")
      ->capture_default_str();
  command.add_option("--threads", threads, "CPU threads of the network; 0 takes all")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command
      .add_option("--streams", streams,
                  "Runs of the network at a time, which share the threads (OpenVINO); 0: as --mode says")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command
      .add_option(
          "--mode", mode,
          "throughput: the best total speed; latency: one frame at a time on all cores; auto: the streams, threads "
          "and batch that are fastest here, measured once for each model and size and kept on disk")
      ->check(CLI::IsMember({"throughput", "latency", "auto"}))
      ->capture_default_str();
  command.add_flag("--no-cache", no_cache, "Keep nothing on disk: compiled networks, tunings of --mode auto");
}

Result<Network> EngineOptions::load() const {
  FL_TRY(Network network, open_model_for(model, precision));
  if (denoise < 0) return network;
  FL_TRY(const Network twin, open_model(denoise_model));
  return interpolate(network, twin, static_cast<float>(denoise));
}

Result<CompileOptions> EngineOptions::compile_options() const {
  CompileOptions options;
  if (!wants_integers(precision)) {  // of what is left of floats; layers of integers are the model's
    const auto floats = parse_precision(precision);
    if (!floats)
      return fail(floats.error().code, "{}; or int8, int8-full, int8-mixed, of framelift quantize",
                  floats.error().message);
    options.precision = *floats;
  }
  options.device = device;
  options.threads = threads;
  options.streams = streams;
  options.latency = mode == "latency";
  if (!no_cache) options.cache_dir = cache_folder();
  return options;
}

std::filesystem::path EngineOptions::tuning_file() const {
  const std::filesystem::path folder = no_cache ? std::filesystem::path() : cache_folder();
  return folder.empty() ? folder : folder / ("tuning-" FRAMELIFT_VERSION ".json");
}

Result<PictureSize> parse_size(std::string_view option, const std::string& text) {
  PictureSize size;
  char tail = 0;
  if (std::sscanf(text.c_str(), "%dx%d%c", &size.width, &size.height, &tail) != 2 || size.width < 1 ||
      size.height < 1 || size.width > max_picture_edge || size.height > max_picture_edge)
    return fail(ErrorCode::invalid_argument, "{} '{}' is not WIDTHxHEIGHT in pixels, 1 to {} each", option, text,
                max_picture_edge);
  return size;
}

Result<int64_t> parse_bytes(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  std::string unit = end;
  for (const char* suffix : {"iB", "B"})
    if (unit.ends_with(suffix)) unit.resize(unit.size() - std::string_view(suffix).size());
  double factor = 0;
  if (unit.empty()) factor = 1;
  if (unit == "K" || unit == "k") factor = 0x1p10;
  if (unit == "M") factor = 0x1p20;
  if (unit == "G") factor = 0x1p30;
  if (unit == "T") factor = 0x1p40;
  if (end == text.c_str() || factor == 0 || !(number > 0) || number * factor > 0x1p62)
    return fail(ErrorCode::invalid_argument, "'{}' is not an amount of memory; write for example 500M or 2G", text);
  return static_cast<int64_t>(number * factor);
}

}  // namespace framelift
