// Options of a verb from a TOML file.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>

#include "base/result.h"

namespace framelift {

// Sets every option that the file has and the command line has not. Keys are the options' long names ("val-batch" or
// "val_batch"); values are what the option takes, true or false for flags, lists for options with several values. Call
// after parsing. Errors name the file: not_found, not TOML, an unknown key (with the nearest name), a bad value.
Status apply_config_file(CLI::App& command, const std::filesystem::path& file);

}  // namespace framelift
