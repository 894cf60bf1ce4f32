// Which encoder writes the video, and which of its pixel formats is nearest to the picture.
#pragma once

#include <string>

#include "decode/ffmpeg/ffmpeg.h"
#include "encode/sink.h"

namespace framelift {

struct EncoderChoice {
  const AVCodec* codec = nullptr;
  AVPixelFormat av_format = AV_PIX_FMT_NONE;  // what the encoder gets
  PixelFormat format;                         // what Sink::write() gets: the same samples, planar
  bool packed = false;                        // av_format is not planar: samples are interleaved on the way
  ColorInfo color;                            // of what is written
};

// `muxer` is the container. Errors: not_found (no such encoder, close names given), unsupported (the container or the
// encoder refuses), invalid_argument.
Result<EncoderChoice> choose_encoder(const SinkOptions& options, const AVOutputFormat& muxer);

// The muxer named `format`, or else the one that the file's name asks for; null when there is none.
const AVOutputFormat* find_muxer(const std::string& path, const std::string& format);

// Whether the muxer takes the codec; `true` when it does not say.
bool muxer_takes(const AVOutputFormat& muxer, AVCodecID codec);

}  // namespace framelift
