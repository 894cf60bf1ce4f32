// Frames out of .fnv files, group after group.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backend/backend.h"
#include "base/result.h"
#include "decode/source.h"

namespace framelift {

class FnvReader;

struct FnvSourceOptions {
  std::string path;
  // Of the frames; empty: the file's own. Floats (PixelFormat::bits 32, rgb) are what the networks give, unrounded.
  std::optional<PixelFormat> format;
  std::optional<ColorInfo> color;
  int64_t first_frame = 0;
  int64_t frames = 0;                              // 0: to the end
  double start_seconds = 0, duration_seconds = 0;  // of the frames' own times; 0: all
  std::string backend = "auto";
  CompileOptions compile;  // automatic precision is f32: what the file was measured with
};

// The video as it would be in its own format, all of it. The reader's name is the file's path, and it has frames.
VideoInfo video_info(const FnvReader& reader);

// Errors: those of FnvReader::open(), unsupported (a network or engine that this build does not have),
// invalid_argument (frames or seconds beyond the end, an impossible format).
Result<std::unique_ptr<Source>> open_fnv_source(const FnvSourceOptions& options);

// The same for open_source(): register_source_kind(fnv_kind()) once, at the program's start.
SourceKind fnv_kind();

}  // namespace framelift
