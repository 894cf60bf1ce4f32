// Names that were probably meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace framelift {

// Levenshtein's distance: how many letters must be inserted, removed or replaced to make `b` of `a`.
size_t edit_distance(std::string_view a, std::string_view b);

// The name with the least distance to `wanted`, the first of equals; empty when there are none.
std::string nearest_name(std::string_view wanted, std::span<const std::string> names);

}  // namespace framelift
