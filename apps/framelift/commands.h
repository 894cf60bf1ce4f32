// The verbs of the command line. Each file registers one: it declares its options and, when the user picked it, sets
// `run` to the function that does the work and returns the process's exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "base/cancellation.h"
#include "base/result.h"

namespace framelift {

using Run = std::function<int()>;

void add_upscale_command(CLI::App& app, Run& run);
void add_hdr_command(CLI::App& app, Run& run);
void add_tonemap_command(CLI::App& app, Run& run);
void add_expand_command(CLI::App& app, Run& run);
void add_compress_command(CLI::App& app, Run& run);
void add_evaluate_command(CLI::App& app, Run& run);
void add_segment_command(CLI::App& app, Run& run);
void add_decompress_command(CLI::App& app, Run& run);
void add_play_command(CLI::App& app, Run& run);
void add_compare_command(CLI::App& app, Run& run);
void add_doctor_command(CLI::App& app, Run& run);
void add_bench_command(CLI::App& app, Run& run);
void add_bench_matrix_command(CLI::App& bench, Run& run);  // under `bench`
void add_dataset_command(CLI::App& app, Run& run);
void add_quantize_command(CLI::App& app, Run& run);
void add_models_command(CLI::App& app, Run& run);
void add_train_command(CLI::App& app, Run& run);
// `config`: the file of --config, filled in by parsing.
void add_config_command(CLI::App& app, Run& run, const std::string& config);

// Prints "framelift: <message>" and returns the exit code for a failure (130 for a cancelled job, else 1).
int report_failure(const Error& error);

// Set by Ctrl-C (SIGINT) and SIGTERM; a second signal ends the program at once.
Cancellation& interruption();

}  // namespace framelift
