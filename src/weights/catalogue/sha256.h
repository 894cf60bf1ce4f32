// SHA-256 of files, to know that a weight file is the one the catalogue means.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace framelift {

// 64 lower-case hexadecimal digits.
Result<std::string> sha256_file(const std::filesystem::path& path);

}  // namespace framelift
