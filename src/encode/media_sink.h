// Sinks for containers, pictures, sequences and checksums: with FFmpeg (ffmpeg/) whatever it can write, in builds
// without it (plain/) YUV4MPEG2 and checksums.
#pragma once

#include <memory>
#include <string>

#include "encode/sink.h"

namespace framelift {

// open_sink for every path but null: and OpenEXR. can_carry_display_matrix is there too.
Result<std::unique_ptr<Sink>> open_media_sink(const SinkOptions& options);

// For `framelift doctor`: what this build reads and writes, and what is missing, a line each.
std::string describe_media();

}  // namespace framelift
