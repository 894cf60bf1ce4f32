// OpenEXR pictures, through the OpenEXR library.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "decode/source.h"

namespace framelift {

// One picture (`still`) or, with several files or a pattern in options.path, a sequence. Of options: path (for
// messages), sequence_frame_rate, start_seconds, duration_seconds, max_frames.
//
// Frames are grayf32, gbrpf32 or gbrapf32, linear, colours premultiplied by alpha as the file has them. NaN and
// infinities are kept: what to do about them is for the consumer to say. The picture is the display window; what the
// data window has of it is there, zeros are elsewhere. Of several parts the first is read, of several resolutions the
// largest. Channels are R, G, B (missing ones are 0), or Y, or Y with RY and BY, which OpenEXR turns into half RGB; and
// A. Chromaticities are Rec. 709 unless the file says otherwise.
//
// Errors: invalid_data (damaged, cut off, a size beyond 131072 pixels a side or 2^28 in all, pictures of a sequence
// that differ in size), unsupported (deep data, no such channels, subsampled R, G or B).
Result<std::unique_ptr<Source>> open_exr_source(std::vector<std::string> files, const SourceOptions& options);

}  // namespace framelift
