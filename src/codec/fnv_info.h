// What people want to know of an .fnv file.
#pragma once

#include <string>

#include "codec/fnv_reader.h"

namespace framelift {

// Lines of text, each with a newline: the picture and its colours, time, the networks with their sizes, where the bytes
// go, groups, auxiliary sections. Reads nothing but the index.
std::string fnv_info(const FnvReader& reader);

}  // namespace framelift
