// What every verb that turns one video into another shares: input, output, encoder, engine, and how a job is run.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/framelift/shared/engine_options.h"
#include "pipeline/video_job.h"

namespace framelift {

struct VideoCommand {
  EngineOptions engine;
  VideoJob job;
  bool linear_light = false;  // the verb takes networks that make linear light, and no others

  // Input, output, and what every verb has of the groups below.
  void add_to(CLI::App& command);
  void add_processing_to(CLI::App& command);  // engine, size, memory
  void add_tiles_to(CLI::App& command);       // of models that need not see the whole picture
  void add_encoder_to(CLI::App& command);
  void add_source_to(CLI::App& command);  // how the input is read, and how much of it
  // Runs the job, or one job for each picture of a folder. The process's exit code; failures are printed.
  int run();

  // As given on the command line.
  std::string memory, deinterlace = "auto", stats, trace, profile_page, raw_size, frame_rate, target_fps, input_size,
                      fit = "letterbox", mastering_display, max_cll;
  std::vector<std::string> encoder_options;
  double crf = -1;
  bool quiet = false, plan = false;
};

// Fills in what the job takes from the options, all but the network. Errors: invalid_argument.
Status complete(VideoCommand& command);
// The same, and the network, which the caller keeps and points the job to. Errors: also those of loading it.
Result<Network> prepare(VideoCommand& command);

// Runs one job, with progress and a summary unless quiet.
Result<JobReport> run_job(VideoJob& job, bool quiet);

}  // namespace framelift
