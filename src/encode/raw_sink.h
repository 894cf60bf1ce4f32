// Uncompressed video, and checksums of it, without FFmpeg.
#pragma once

#include <memory>

#include "encode/sink.h"

namespace framelift {

// YUV4MPEG2 to options.path ("-": stdout). Takes YUV and gray of the source's depth (odd ones: the next that the format
// has) and sampling; RGB sources become 4:4:4. Alpha is left out, the time of frames is their number. Errors: as
// open_sink; unsupported (linear light; 4:4:0 sampling), invalid_argument (options for encoders).
Result<std::unique_ptr<Sink>> open_y4m_sink(const SinkOptions& options);

// The MD5 of every frame's samples, as text in the format of FFmpeg's framemd5 muxer, version 2, to options.path. Takes
// frames as the source has them, or as options.pixel_format says.
Result<std::unique_ptr<Sink>> open_md5_sink(const SinkOptions& options);

}  // namespace framelift
