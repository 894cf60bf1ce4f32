// Deinterlacing and turning, by libavfilter.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "decode/ffmpeg/ffmpeg.h"

namespace framelift {

// The filters that turn a picture upright according to a display matrix ("transpose=clock,hflip"); empty when it
// already is, or when the angle is not a multiple of 90 degrees.
std::string rotation_filters(const std::array<int32_t, 9>& matrix);

// A chain of filters with one input and one output that leaves timestamps as they are.
class FilterChain {
 public:
  // `example` is a decoded frame: all frames must have its size and format. `output` is the format of the frames that
  // come out.
  Status open(const std::string& filters, const AVFrame& example, AVRational time_base, AVRational frame_rate,
              AVPixelFormat output);
  bool active() const { return graph_ != nullptr; }
  // Takes over the reference inside `frame`; null ends the stream. Negative: FFmpeg error code.
  int send(AVFrame* frame);
  // 0, AVERROR(EAGAIN) or AVERROR_EOF.
  int receive(AVFrame* frame);
  // Of the frames that come out.
  int width() const;
  int height() const;
  AVRational sample_aspect_ratio() const;

 private:
  FilterGraphPtr graph_;
  AVFilterContext* input_ = nullptr;
  AVFilterContext* output_ = nullptr;
  AVRational time_base_{1, 25};
};

}  // namespace framelift
