// Text subtitles from one container's codec to another's (mov_text <-> SubRip <-> WebVTT).
#pragma once

#include <memory>
#include <vector>

#include "decode/ffmpeg/ffmpeg.h"

namespace framelift {

class SubtitleTranscoder {
 public:
  // unsupported when FFmpeg cannot decode the one or encode the other, or when they are not both text.
  static Result<std::unique_ptr<SubtitleTranscoder>> open(const AVStream& input, AVCodecID target);

  void describe(AVCodecParameters& parameters) const;
  // Replaces the payload of `packet`. False when it shows nothing (mov_text's empty samples) or is damaged.
  bool transcode(AVPacket& packet);

 private:
  CodecContextPtr decoder_, encoder_;
  std::vector<uint8_t> buffer_;
};

}  // namespace framelift
