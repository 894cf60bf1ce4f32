#include "decode/ffmpeg/ffmpeg.h"

extern "C" {
#include <libavutil/log.h>
#include <libavutil/mathematics.h>
}

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstring>
#include <mutex>

#include "base/log.h"

namespace framelift {
namespace {

thread_local char last_error[256];

void log_callback(void* context, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_VERBOSE) return;
  if (level > AV_LOG_ERROR && !spdlog::should_log(spdlog::level::debug)) return;
  thread_local int print_prefix = 1;
  char line[512];
  av_log_format_line2(context, level, format, arguments, line, sizeof line, &print_prefix);
  size_t length = std::strlen(line);
  while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == ' ')) line[--length] = 0;
  if (length == 0) return;
  if (level <= AV_LOG_ERROR) {
    // "[mov,mp4 @ 0x55d0c0] moov atom not found": the address helps nobody.
    const char* text = line[0] == '[' ? std::strstr(line, "] ") : nullptr;
    std::snprintf(last_error, sizeof last_error, "%s", text ? text + 2 : line);
  }
  log::debug("ffmpeg: {}", line);
}

template <class Enum>
Enum tag(int value, Enum unspecified) {
  // 0 and 3 are reserved in H.273 for transfer and primaries, 3 for matrix.
  return value <= 0 || value == 3 || value > 255 ? unspecified : static_cast<Enum>(value);
}

template <class Tagged>
ColorInfo tags(const Tagged& t, int matrix, int chroma_location) {
  ColorInfo color;
  color.matrix = matrix == AVCOL_SPC_RGB ? MatrixCoefficients::rgb : tag(matrix, MatrixCoefficients::unspecified);
  color.transfer = tag(t.color_trc, TransferCharacteristic::unspecified);
  color.primaries = tag(t.color_primaries, ColorPrimaries::unspecified);
  color.range = static_cast<ColorRange>(t.color_range);
  color.chroma_location = static_cast<ChromaLocation>(chroma_location);
  return color;
}

}  // namespace

std::string av_error_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

void route_ffmpeg_log() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(log_callback); });
}

std::string last_ffmpeg_error() { return last_error; }
void clear_ffmpeg_error() { last_error[0] = 0; }

AVRational to_av(Rational r) {
  AVRational out;
  av_reduce(&out.num, &out.den, r.num, r.den, INT32_MAX);
  return out;
}

ColorInfo color_of(const AVFrame& frame) { return tags(frame, frame.colorspace, frame.chroma_location); }
ColorInfo color_of(const AVCodecParameters& parameters) {
  return tags(parameters, parameters.color_space, parameters.chroma_location);
}

ColorInfo merge_color(ColorInfo first, const ColorInfo& second) {
  if (first.matrix == MatrixCoefficients::unspecified) first.matrix = second.matrix;
  if (first.transfer == TransferCharacteristic::unspecified) first.transfer = second.transfer;
  if (first.primaries == ColorPrimaries::unspecified) first.primaries = second.primaries;
  if (first.range == ColorRange::unspecified) first.range = second.range;
  if (first.chroma_location == ChromaLocation::unspecified) first.chroma_location = second.chroma_location;
  return first;
}

void set_color(AVFrame& frame, const ColorInfo& color) {
  frame.colorspace = static_cast<AVColorSpace>(color.matrix);
  frame.color_trc = static_cast<AVColorTransferCharacteristic>(color.transfer);
  frame.color_primaries = static_cast<AVColorPrimaries>(color.primaries);
  frame.color_range = static_cast<AVColorRange>(color.range);
  frame.chroma_location = static_cast<AVChromaLocation>(color.chroma_location);
}

void set_color(AVCodecContext& codec, const ColorInfo& color) {
  codec.colorspace = static_cast<AVColorSpace>(color.matrix);
  codec.color_trc = static_cast<AVColorTransferCharacteristic>(color.transfer);
  codec.color_primaries = static_cast<AVColorPrimaries>(color.primaries);
  codec.color_range = static_cast<AVColorRange>(color.range);
  codec.chroma_sample_location = static_cast<AVChromaLocation>(color.chroma_location);
}

int pick_video_stream(AVFormatContext& input) {
  int best = av_find_best_stream(&input, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (best < 0 || !(input.streams[best]->disposition & AV_DISPOSITION_ATTACHED_PIC)) return best;
  for (unsigned i = 0; i < input.nb_streams; ++i) {
    const AVStream& stream = *input.streams[i];
    if (stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !(stream.disposition & AV_DISPOSITION_ATTACHED_PIC))
      return static_cast<int>(i);
  }
  return best;
}

int64_t origin_of(const AVFormatContext& input) {
  static_assert(AV_TIME_BASE == 1'000'000);
  // A start before zero is the encoder delay of an audio stream.
  return input.start_time == AV_NOPTS_VALUE ? 0 : std::max<int64_t>(0, input.start_time);
}

}  // namespace framelift
