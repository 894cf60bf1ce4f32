// Logging for the whole program: spdlog's default logger, to stderr. Library code logs facts a user can act on
// (a fallback taken, a packet skipped); failures travel as Result, never as log lines alone.
#pragma once

#include <spdlog/spdlog.h>

namespace framelift::log {

using spdlog::debug;
using spdlog::info;
using spdlog::warn;

}  // namespace framelift::log
