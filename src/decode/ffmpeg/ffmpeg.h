// The C++ side of FFmpeg, shared by decode/ and encode/: owning pointers, error texts, and the mapping of pixel formats
// and colour tags. Only decode/ and encode/ include FFmpeg's headers.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavformat/avformat.h>
#include <libavutil/dict.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/rational.h"
#include "base/result.h"
#include "color/color_info.h"
#include "frame/frame.h"

namespace framelift {

struct CloseInput {
  void operator()(AVFormatContext* c) const { avformat_close_input(&c); }
};
struct CloseOutput {
  void operator()(AVFormatContext* c) const {
    if (!(c->oformat->flags & AVFMT_NOFILE)) avio_closep(&c->pb);
    avformat_free_context(c);
  }
};
struct FreeCodecContext {
  void operator()(AVCodecContext* c) const { avcodec_free_context(&c); }
};
struct FreeAvFrame {
  void operator()(AVFrame* f) const { av_frame_free(&f); }
};
struct FreeAvPacket {
  void operator()(AVPacket* p) const { av_packet_free(&p); }
};
struct FreeScaler {
  void operator()(SwsContext* c) const { sws_freeContext(c); }
};
struct FreeFilterGraph {
  void operator()(AVFilterGraph* g) const { avfilter_graph_free(&g); }
};
using InputPtr = std::unique_ptr<AVFormatContext, CloseInput>;
using OutputPtr = std::unique_ptr<AVFormatContext, CloseOutput>;
using CodecContextPtr = std::unique_ptr<AVCodecContext, FreeCodecContext>;
using AvFramePtr = std::unique_ptr<AVFrame, FreeAvFrame>;
using AvPacketPtr = std::unique_ptr<AVPacket, FreeAvPacket>;
using ScalerPtr = std::unique_ptr<SwsContext, FreeScaler>;
using FilterGraphPtr = std::unique_ptr<AVFilterGraph, FreeFilterGraph>;

// Options on their way into FFmpeg; what FFmpeg does not know is left inside.
class AvDictionary {
 public:
  AvDictionary() = default;
  ~AvDictionary() { av_dict_free(&dict_); }
  AvDictionary(const AvDictionary&) = delete;
  AvDictionary& operator=(const AvDictionary&) = delete;
  void set(const std::string& key, const std::string& value) { av_dict_set(&dict_, key.c_str(), value.c_str(), 0); }
  std::string get(const std::string& key) const {
    const AVDictionaryEntry* entry = av_dict_get(dict_, key.c_str(), nullptr, 0);
    return entry ? entry->value : "";
  }
  // The first key left, or empty.
  std::string first_key() const {
    const AVDictionaryEntry* entry = av_dict_get(dict_, "", nullptr, AV_DICT_IGNORE_SUFFIX);
    return entry ? entry->key : "";
  }
  AVDictionary** operator&() { return &dict_; }

 private:
  AVDictionary* dict_ = nullptr;
};

// FFmpeg's text for an error code: "Invalid data found when processing input".
std::string av_error_text(int code);
// Sends FFmpeg's log to our own (debug level). Called by every open function; later calls do nothing.
void route_ffmpeg_log();
// The last error line FFmpeg logged on this thread since clear_ffmpeg_error() ("moov atom not found"), or empty.
std::string last_ffmpeg_error();
void clear_ffmpeg_error();

inline Rational from_av(AVRational r) { return {r.num, r.den}; }
// Reduced to FFmpeg's 32 bits if need be.
AVRational to_av(Rational r);

// The colour tags of a frame or stream; unknown values survive.
ColorInfo color_of(const AVFrame& frame);
ColorInfo color_of(const AVCodecParameters& parameters);
// `first`, its unspecified members filled from `second`.
ColorInfo merge_color(ColorInfo first, const ColorInfo& second);
void set_color(AVFrame& frame, const ColorInfo& color);
void set_color(AVCodecContext& codec, const ColorInfo& color);

// The stream that framelift processes: FFmpeg's best video stream, a cover picture only when there is nothing else.
// Negative when there is no video. Source and Sink must agree, so both ask here.
int pick_video_stream(AVFormatContext& input);

// VideoInfo::origin_us of a container.
int64_t origin_of(const AVFormatContext& input);

}  // namespace framelift
