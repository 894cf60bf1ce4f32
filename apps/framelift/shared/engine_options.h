// Options that every verb which runs a network shares: model, engine, precision, memory.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "backend/backend.h"
#include "base/result.h"
#include "network/network.h"

namespace framelift {

struct EngineOptions {
  std::string model = "animevideov3";
  double denoise = -1;  // 0..1; below 0: the model as it is
  std::string denoise_model = "general-wdn-x4v3";
  std::string backend = "auto", device = "auto";
  std::string precision = "auto";
  int threads = 0, streams = 0;
  std::string mode = "throughput";
  bool no_cache = false;

  void add_to(CLI::App& command);          // model and engine
  void add_engine_to(CLI::App& command);   // all but the model
  void add_denoise_to(CLI::App& command);  // of models that upscale

  Result<Network> load() const;
  Result<CompileOptions> compile_options() const;
  // Where tunings are kept (pipeline/tuning/tuner.h); empty: nowhere.
  std::filesystem::path tuning_file() const;
};

struct PictureSize {
  int width = 0, height = 0;  // 1..max_picture_edge
};
// "640x360". `option`: for the error.
Result<PictureSize> parse_size(std::string_view option, const std::string& text);

// "500M", "2G", "1.5GiB", "1000000": bytes.
Result<int64_t> parse_bytes(const std::string& text);

}  // namespace framelift
