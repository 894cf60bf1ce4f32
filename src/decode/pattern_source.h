// A moving test pattern made of eight precomputed frames: a source that costs nothing, for benches and tests.
#pragma once

#include <memory>

#include "decode/source.h"

namespace framelift {

// options.path: "test:WIDTHxHEIGHT[:frames][:format]", e.g. "test:320x180:1000:yuv420p10". Default 100 frames, yuv420p.
Result<std::unique_ptr<Source>> open_pattern_source(const SourceOptions& options);

}  // namespace framelift
