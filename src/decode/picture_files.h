// Names of pictures, patterns of names, and the files that they stand for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace framelift {

// In lower case and without the dot; empty without one.
std::string lower_extension(const std::string& path);

// By the extension: PNG, JPEG, OpenEXR, ...
bool is_picture_name(const std::string& path);

// The one "%d" or "%04d" of a file name.
struct NumberPattern {
  std::string before, after;
  int digits = 0;  // at least; the number is filled up with zeros

  std::string name(int number) const { return fmt::format("{}{:0{}}{}", before, number, digits, after); }
};
std::optional<NumberPattern> number_pattern(const std::string& name);
// The files of a pattern with *, ?, [] or {}, sorted. Errors: not_found (none matches), out_of_memory.
Result<std::vector<std::string>> matching_files(const std::string& pattern);

// The numbers of the files that match "folder/name_%04d.exr", ascending.
std::vector<int> numbers_of(const std::string& path, const NumberPattern& pattern);

// The extension, with its dot and as it is written, that all pictures of a folder have. Errors: io, invalid_data (no
// pictures), invalid_argument (several kinds).
Result<std::string> kind_of_folder(const std::string& folder);

// The files of a picture's name, a number pattern (until the first missing number), "dir/*.exr" or a folder, sorted by
// name or number. Errors: as above; not_found.
Result<std::vector<std::string>> picture_files(const std::string& path);

}  // namespace framelift
