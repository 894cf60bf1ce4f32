// A segmentation job's options as users write them.
#pragma once

#include <string>

#include "base/result.h"
#include "encode/sink.h"
#include "pipeline/mask/mask_options.h"

namespace framelift {

// "mask", "classes", "colors", "alpha", "composite", "overlay".
Result<MaskOutput> parse_mask_output(const std::string& text);

// "#RRGGBB", "blur" or "blur:PERCENT" (above 0, at most 50, of the picture's height), or the file of a picture or
// video, which is not opened here. Empty: `mask` stays as it is.
Status parse_background(const std::string& text, MaskOptions& mask);

// An encoder with alpha where the container's usual one has none: ProRes 4444 (.mov), FFV1 (.mkv), VP9 (.webm).
void choose_alpha_encoder(SinkOptions& sink);

}  // namespace framelift
