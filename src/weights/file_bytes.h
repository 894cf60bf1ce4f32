// Whole files in memory: what the weight readers parse, and what is written at once.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "base/result.h"

namespace framelift {

inline constexpr uint64_t max_weight_file_bytes = uint64_t{16} << 30;

// Regular files up to max_weight_file_bytes. The copy is ours, so a file that changes or shrinks meanwhile does no
// harm.
Result<std::vector<std::byte>> read_file_bytes(const std::filesystem::path& path);

// Writes the parts, in order, to a temporary file beside `path`, then renames it: readers see the old file or the whole
// new one. On failure nothing is left behind.
Status write_file_bytes(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts);

}  // namespace framelift
