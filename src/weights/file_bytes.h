// A whole file in memory: what the weight readers parse.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "base/result.h"

namespace framelift {

inline constexpr uint64_t max_weight_file_bytes = uint64_t{16} << 30;

// Regular files up to max_weight_file_bytes. The copy is ours, so a file that changes or shrinks meanwhile does no
// harm.
Result<std::vector<std::byte>> read_file_bytes(const std::filesystem::path& path);

}  // namespace framelift
