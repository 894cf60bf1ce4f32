// How much memory a job may plan with.
#pragma once

#include <cstdint>
#include <filesystem>

namespace framelift {

// Bytes that this process may still take: what the machine has free, what every cgroup around the process leaves
// (version 2, and the memory controller of version 1), and what `ulimit -v` leaves. `root`: where /proc and /sys are.
int64_t available_memory(const std::filesystem::path& root = "/");

}  // namespace framelift
