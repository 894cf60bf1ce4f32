// Frames from anything FFmpeg can read: containers, pictures, numbered sequences, pipes.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "decode/source.h"

namespace framelift {

// What to hand to avformat_open_input, worked out from SourceOptions::path.
struct FfmpegInput {
  std::string url;     // for FFmpeg: "file:a.mp4", "pipe:0"
  std::string name;    // for messages: what the user typed
  std::string format;  // demuxer to force, or empty
  std::vector<std::pair<std::string, std::string>> demuxer_options;
  bool sequence = false;  // several pictures
};

Result<std::unique_ptr<Source>> open_ffmpeg_source(const FfmpegInput& input, const SourceOptions& options);

}  // namespace framelift
