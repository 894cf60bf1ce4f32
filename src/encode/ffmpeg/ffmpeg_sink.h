// Encoding and muxing with FFmpeg.
#pragma once

#include <memory>
#include <string>

#include "encode/output_file.h"
#include "encode/sink.h"

namespace framelift {

// Where the bytes go, worked out from SinkOptions::path.
struct OutputTarget {
  enum class Kind {
    file,      // one file, under a temporary name until finished
    pipe,      // stdout
    sequence,  // numbered pictures
  };
  Kind kind = Kind::file;
  std::string path;          // what the user named, without "md5:"
  std::string muxer;         // forced muxer, or empty
  OutputFile file;           // Kind::file
  bool one_picture = false;  // holds a single frame
};

Result<std::unique_ptr<Sink>> open_ffmpeg_sink(const SinkOptions& options, OutputTarget target);

}  // namespace framelift
