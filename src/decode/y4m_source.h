// YUV4MPEG2 (y4m), uncompressed video in a file or pipe, without FFmpeg.
#pragma once

#include <memory>
#include <string>

#include "decode/source.h"

namespace framelift {

// Of options: path ("-": stdin), start_seconds, duration_seconds, max_frames, deinterlace. Frames have 8 to 16 bits in
// 4:2:0, 4:2:2, 4:4:4 or gray. Of colours the format says only the chroma location of 8-bit 4:2:0 and, as XCOLORRANGE,
// the range. Errors: as open_source; invalid_data also where a frame is cut off; unsupported (interlaced fields, which
// take FFmpeg to weave out, unless deinterlace is off).
Result<std::unique_ptr<Source>> open_y4m_source(const SourceOptions& options);

// Whether a file begins as YUV4MPEG2 does.
bool is_y4m_file(const std::string& path);

}  // namespace framelift
