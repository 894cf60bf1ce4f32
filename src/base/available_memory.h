// How much memory a job may plan with.
#pragma once

#include <cstdint>
#include <filesystem>

namespace framelift {

// Bytes that this process may still take: what the machine has free, what every cgroup around the process leaves
// (version 2, and the memory controller of version 1), and what `ulimit -v` leaves. `root`: where /proc and /sys are.
int64_t available_memory(const std::filesystem::path& root = "/");

// Bytes of addresses that `ulimit -v` leaves, which threads take more of than of memory; without such a limit the
// largest number.
int64_t available_address_space(const std::filesystem::path& root = "/");

}  // namespace framelift
