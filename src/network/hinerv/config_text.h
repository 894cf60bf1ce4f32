// A configuration as keys and values, as files keep it.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "network/hinerv/config.h"

namespace framelift {

using HinervTexts = std::vector<std::pair<std::string, std::string>>;

// Everything but the number of frames and their size, which files keep elsewhere. The first pair is "network",
// "hinerv"; lists are separated by commas ("scales", "5,2,2,2"). "output" is there when it is not R'G'B'.
HinervTexts hinerv_texts(const HinervConfig& config);

// The reverse, with those three numbers. `file` opens error messages. Errors: unsupported (another network, a key that
// is not known), invalid_data (a key that is missing or given twice, no number), as check_hinerv.
Result<HinervConfig> parse_hinerv_texts(const HinervTexts& texts, int frames, int height, int width,
                                        std::string_view file);

}  // namespace framelift
