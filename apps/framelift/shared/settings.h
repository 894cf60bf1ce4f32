// Options that are not on the command line: from the environment, and from a TOML file.
//
// For each option the first of these that says something counts: the command line; $FRAMELIFT_VERB_OPTION;
// $FRAMELIFT_OPTION; the file's section [verb]; the file's keys above all sections; the default. Keys are the options'
// long names ("val-batch" or "val_batch"); values are what the option takes, true or false for flags, lists for options
// with several values. Verbs of two words have sections [bench.network] and variables FRAMELIFT_BENCH_NETWORK_...
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace framelift {

// `chosen` by the user, else $FRAMELIFT_CONFIG, else config.toml in $XDG_CONFIG_HOME/framelift or ~/.config/framelift
// where it exists. Empty: there is none.
std::filesystem::path settings_file(const std::string& chosen);
// Where settings_file() looks last, whether it exists or not; empty without a home.
std::filesystem::path usual_settings_file();

// Sets what the command line has left open of the verb that it names. Call after parsing. The whole file is checked
// whichever the verb is. Errors name the file and line, or the variable: not_found, not TOML, an unknown section or key
// (with the nearest name), a bad value.
Status apply_settings(CLI::App& app, const std::filesystem::path& file);
// The same for every verb, so that each value is checked.
Status check_settings(CLI::App& app, const std::filesystem::path& file);

struct Setting {
  std::string name, value;  // an empty value: not given, and there is no default
  std::string origin;       // "default", "FRAMELIFT_CRF", "FILE: line 3"
};
// What a verb's options are with nothing on the command line. Errors: as above.
Result<std::vector<Setting>> list_settings(CLI::App& app, CLI::App& verb, const std::filesystem::path& file);

// A file with every option of every verb, commented out.
std::string settings_template(CLI::App& app);

// The verb of these words ({"bench", "network"}), or an error with the nearest name.
Result<CLI::App*> find_verb(CLI::App& app, const std::vector<std::string>& words);

}  // namespace framelift
