#include <spdlog/sinks/stdout_sinks.h>

#include <csignal>
#include <cstdio>
#include <system_error>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/settings.h"
#include "base/log.h"
#include "synthesis/fnv_source.h"

namespace framelift {

Cancellation& interruption() {
  static Cancellation cancellation;
  return cancellation;
}

int report_failure(const Error& error) {
  std::fprintf(stderr, "framelift: %s\n", error.message.c_str());
  return error.code == ErrorCode::cancelled ? 130 : 1;
}

}  // namespace framelift

namespace {

void on_signal(int signal) {
  if (framelift::interruption().requested()) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  framelift::interruption().request();
}

}  // namespace

int main(int argc, char** argv) {
  framelift::interruption();
  framelift::register_source_kind(framelift::fnv_kind());
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a write error like any other
  spdlog::set_default_logger(spdlog::stderr_logger_mt("framelift"));
  spdlog::set_pattern("framelift: %l: %v");

  CLI::App app{"framelift runs neural networks over video."};
  app.set_version_flag("--version", FRAMELIFT_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  framelift upscale in.mp4 out.mkv\n"
      "  framelift upscale in.mp4 out.mkv --model general-x4v3 --denoise 0.5 --crf 16\n"
      "  framelift play in.mp4 --hdr --split\n"
      "  framelift models list\n"
      "  framelift doctor\n"
      "`framelift VERB --help` tells more of each verb.");
  bool verbose = false;
  app.add_flag("-v,--verbose", verbose, "Log more");
  std::string config;
  app.add_option("--config", config, "TOML file with settings; 'framelift config --help' tells more");
  app.fallthrough();  // both may stand behind the verb

  framelift::Run run;
  framelift::add_upscale_command(app, run);
  framelift::add_hdr_command(app, run);
  framelift::add_tonemap_command(app, run);
  framelift::add_expand_command(app, run);
  framelift::add_compress_command(app, run);
  framelift::add_segment_command(app, run);
  framelift::add_quantize_command(app, run);
  framelift::add_decompress_command(app, run);
  framelift::add_evaluate_command(app, run);
  framelift::add_play_command(app, run);
  framelift::add_compare_command(app, run);
  framelift::add_dataset_command(app, run);
  framelift::add_models_command(app, run);
  framelift::add_train_command(app, run);
  framelift::add_doctor_command(app, run);
  framelift::add_bench_command(app, run);
  framelift::add_config_command(app, run, config);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    std::fprintf(stderr, "framelift: %s; see 'framelift --help'\n", e.what());
    return 2;
  }
  if (!app.got_subcommand("config")) {
    const auto applied = framelift::apply_settings(app, framelift::settings_file(config));
    if (!applied) return framelift::report_failure(applied.error());
  }
  if (verbose) spdlog::set_level(spdlog::level::debug);
  try {
    return run ? run() : 2;
  } catch (const std::bad_alloc&) {
    return framelift::report_failure({framelift::ErrorCode::out_of_memory, "out of memory; try --tile or --memory"});
  } catch (const std::system_error& e) {  // threads of libraries
    return framelift::report_failure({framelift::ErrorCode::out_of_memory, e.what()});
  }
}
