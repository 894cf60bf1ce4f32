// Frames from containers, pictures, numbered sequences and pipes: with FFmpeg (ffmpeg/) from anything it can read, in
// builds without it (plain/) from YUV4MPEG2.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "decode/source.h"

namespace framelift {

// What to open, in FFmpeg's terms, worked out from SourceOptions::path.
struct MediaInput {
  std::string url;     // "file:a.mp4", "pipe:0"
  std::string name;    // for messages: what the user typed
  std::string format;  // demuxer to force, or empty
  std::vector<std::pair<std::string, std::string>> demuxer_options;
  bool sequence = false;  // several pictures
};

Result<std::unique_ptr<Source>> open_media_source(const MediaInput& input, const SourceOptions& options);

// FFmpeg's name of a container, from that or an everyday name ("y4m", "mkv").
std::string container_name(const std::string& name);

}  // namespace framelift
