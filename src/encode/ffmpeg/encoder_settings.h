// Opens the chosen encoder with the user's settings, and sensible ones where the user gives none.
#pragma once

#include "decode/ffmpeg/ffmpeg.h"
#include "encode/ffmpeg/encoder_choice.h"
#include "encode/sink.h"

namespace framelift {

// The open encoder. Its time base is options.time_base, or 1/frame rate when `counts_frames`.
struct OpenEncoder {
  CodecContextPtr context;
  // The codec knows only frame numbers (MPEG-4 part 2, MPEG-2, ...): frames go in as 0, 1, 2, ...
  bool counts_frames = false;
};

// Errors: invalid_argument (an option FFmpeg does not know, or a value it refuses), unsupported.
Result<OpenEncoder> open_encoder(const SinkOptions& options, const EncoderChoice& choice, const AVOutputFormat& muxer);

}  // namespace framelift
