#include "apps/framelift/commands.h"
#include "apps/framelift/shared/settings.h"
#include "apps/framelift/shared/text_file.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

struct ConfigCommand {
  std::string file;
  std::vector<std::string> verb;
  bool overwrite = false;
};

Status show(CLI::App& app, const ConfigCommand& o, const std::string& config) {
  const fs::path file = settings_file(config);
  FL_TRY(CLI::App * verb, find_verb(app, o.verb));
  FL_TRY(const auto settings, list_settings(app, *verb, file));
  fmt::print("file: {}\n", file.empty() ? fmt::format("none ({})", usual_settings_file().string()) : file.string());
  for (const Setting& s : settings) fmt::print("{:<22} {:<24} {}\n", s.name, s.value.empty() ? "-" : s.value, s.origin);
  return {};
}

Status check(CLI::App& app, const ConfigCommand& o, const std::string& config) {
  const fs::path file = settings_file(o.file.empty() ? config : o.file);
  if (file.empty())
    return fail(ErrorCode::not_found, "{}: no such file; framelift config init makes it",
                usual_settings_file().string());
  FL_CHECK(check_settings(app, file));
  fmt::print("{}: good\n", file.string());
  return {};
}

Status init(CLI::App& app, const ConfigCommand& o) {
  const fs::path file = o.file.empty() ? usual_settings_file() : fs::path(o.file);
  if (file.empty())
    return fail(ErrorCode::not_found, "there is no home folder for it; say where: framelift config init FILE");
  std::error_code error;
  if (o.file.empty()) fs::create_directories(file.parent_path(), error);
  FL_TRY(TextFile written, TextFile::open(file.string(), {}, o.overwrite));
  FL_CHECK(written.add(settings_template(app)));
  FL_CHECK(written.commit());
  fmt::print("{}: written; every line is a comment still\n", file.string());
  return {};
}

}  // namespace

void add_config_command(CLI::App& app, Run& run, const std::string& config) {
  CLI::App& c = *app.add_subcommand("config", "Settings: what counts, whether a file is right, a file to begin with");
  c.require_subcommand(1);
  c.footer(
      "For each option: the command line, then FRAMELIFT_VERB_OPTION and FRAMELIFT_OPTION in the environment, then "
      "the\n"
      "file's section [verb], then its keys above all sections, then the default.\n"
      "Examples:\n"
      "  framelift config init\n"
      "  framelift config show upscale\n"
      "  framelift --config studio.toml config check\n"
      "  FRAMELIFT_THREADS=4 framelift upscale in.mp4 out.mkv");
  auto o = std::make_shared<ConfigCommand>();
  const auto exit_code = [](const Status& status) { return status ? 0 : report_failure(status.error()); };
  CLI::App& show_command = *c.add_subcommand("show", "What each option of a verb is, and why");
  show_command.add_option("verb", o->verb, "For instance: upscale, or bench network");
  show_command.callback(
      [=, &app, &run, &config] { run = [=, &app, &config] { return exit_code(show(app, *o, config)); }; });
  CLI::App& check_command = *c.add_subcommand("check", "Read a file whole: names and values of every verb");
  check_command.add_option("file", o->file, "The file; without: the one that counts");
  check_command.callback(
      [=, &app, &run, &config] { run = [=, &app, &config] { return exit_code(check(app, *o, config)); }; });
  CLI::App& init_command = *c.add_subcommand("init", "Write a file with every option as a comment");
  init_command.add_option("file", o->file, "Where; without: where framelift looks for it");
  init_command.add_flag("--overwrite", o->overwrite, "Replace the file if it exists");
  init_command.callback([=, &app, &run] { run = [=, &app] { return exit_code(init(app, *o)); }; });
}

}  // namespace framelift
