#include "encode/ffmpeg/encoder_settings.h"

extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>
#include <cmath>
#include <string_view>

namespace framelift {
namespace {

bool has_option(const AVCodecContext& context, const char* name) {
  return context.priv_data && av_opt_find(context.priv_data, name, nullptr, 0, 0);
}

// Visually lossless for each encoder; a smaller number is better and larger.
std::optional<double> default_crf(std::string_view encoder) {
  if (encoder == "libx264" || encoder == "libx264rgb") return 17;
  if (encoder == "libx265") return 19;
  if (encoder == "libvpx-vp9" || encoder == "libvpx") return 22;
  if (encoder == "libsvtav1" || encoder == "libaom-av1") return 22;
  return std::nullopt;
}

// Codecs whose streams store a frame rate instead of times.
bool stores_frame_rate(const AVCodec& codec) {
  switch (codec.id) {
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
    case AV_CODEC_ID_MPEG4:
    case AV_CODEC_ID_MSMPEG4V2:
    case AV_CODEC_ID_MSMPEG4V3:
    case AV_CODEC_ID_H261:
    case AV_CODEC_ID_H263:
    case AV_CODEC_ID_H263P:
    case AV_CODEC_ID_FLV1:
    case AV_CODEC_ID_THEORA: return true;
    default: return codec.supported_framerates != nullptr;
  }
}

bool is_given(const SinkOptions& options, std::string_view key) {
  return std::ranges::any_of(options.encoder_options, [&](const auto& option) { return option.first == key; });
}

Status set_rate_control(const SinkOptions& options, AVCodecContext& context, AvDictionary& settings) {
  const std::string_view encoder = context.codec->name;
  const bool quality_given = is_given(options, "qp") || is_given(options, "crf") || is_given(options, "b") ||
                             is_given(options, "q") || is_given(options, "global_quality");
  if (options.crf) {
    if (!has_option(context, "crf"))
      return fail(ErrorCode::invalid_argument, "encoder {} has no CRF; set a bitrate or its own options instead",
                  encoder);
    settings.set("crf", fmt::format("{}", *options.crf));
  } else if (options.bitrate.empty() && !quality_given) {
    if (auto crf = default_crf(encoder); crf && has_option(context, "crf"))
      settings.set("crf", fmt::format("{}", *crf));
    else if (context.codec_id == AV_CODEC_ID_MJPEG || context.codec_id == AV_CODEC_ID_MPEG4 ||
             context.codec_id == AV_CODEC_ID_MPEG2VIDEO) {
      context.flags |= AV_CODEC_FLAG_QSCALE;
      context.global_quality = 2 * FF_QP2LAMBDA;
    }
  }
  if (!options.bitrate.empty())
    settings.set("b", options.bitrate);
  else if (encoder == "libvpx-vp9" || encoder == "libvpx" || encoder == "libaom-av1")
    settings.set("b", "0");  // pure constant quality
  return {};
}

Status set_preset(const SinkOptions& options, const AVCodecContext& context, AvDictionary& settings) {
  const std::string_view encoder = context.codec->name;
  if (!options.preset.empty()) {
    if (!has_option(context, "preset"))
      return fail(ErrorCode::invalid_argument, "encoder {} has no presets; leave the preset out", encoder);
    settings.set("preset", options.preset);
  } else if (encoder == "libx264" || encoder == "libx264rgb" || encoder == "libx265") {
    settings.set("preset", "medium");
  }
  if (encoder == "libvpx-vp9") {
    settings.set("row-mt", "1");
    settings.set("cpu-used", "2");
  }
  return {};
}

// What only the library's own parameters can say; the user's are put behind it.
struct LibraryParameters {
  const char* option = nullptr;
  std::string text;
};
LibraryParameters library_parameters(const EncoderChoice& choice) {
  const std::string_view encoder = choice.codec->name;
  if (encoder == "libx265") return {"x265-params", "log-level=error"};  // its banner does not go through FFmpeg's log
  // FFmpeg does not pass the chroma location on to libaom.
  const bool is_420 = choice.format.chroma_shift_x && choice.format.chroma_shift_y;
  if (encoder == "libaom-av1" && is_420 && choice.color.chroma_location == ChromaLocation::top_left)
    return {"aom-params", "chroma-sample-position=colocated"};
  if (encoder == "libaom-av1" && is_420 && choice.color.chroma_location == ChromaLocation::left)
    return {"aom-params", "chroma-sample-position=vertical"};
  return {};
}

}  // namespace

Result<OpenEncoder> open_encoder(const SinkOptions& options, const EncoderChoice& choice, const AVOutputFormat& muxer) {
  OpenEncoder encoder;
  encoder.context.reset(avcodec_alloc_context3(choice.codec));
  AVCodecContext& context = *encoder.context;
  context.width = options.width;
  context.height = options.height;
  context.pix_fmt = choice.av_format;
  set_color(context, choice.color);
  if (options.sample_aspect_ratio.num > 0) context.sample_aspect_ratio = to_av(options.sample_aspect_ratio);
  AVRational rate = options.frame_rate.num > 0 ? to_av(options.frame_rate) : AVRational{25, 1};
  context.time_base = to_av(options.time_base);
  encoder.counts_frames = stores_frame_rate(*choice.codec);
  if (encoder.counts_frames) {
    if (choice.codec->supported_framerates)
      rate = choice.codec->supported_framerates[av_find_nearest_q_idx(rate, choice.codec->supported_framerates)];
    if (rate.num > 65535 || rate.den > 65535) av_reduce(&rate.num, &rate.den, rate.num, rate.den, 65535);
    context.time_base = av_inv_q(rate);
  }
  if (encoder.counts_frames || options.frame_rate.num > 0) context.framerate = rate;
  context.thread_count = options.threads;
  if (muxer.flags & AVFMT_GLOBALHEADER) context.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (choice.codec->capabilities & AV_CODEC_CAP_EXPERIMENTAL)
    context.strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;

  AvDictionary settings;
  FL_CHECK(set_rate_control(options, context, settings));
  FL_CHECK(set_preset(options, context, settings));
  const auto [option, parameters] = library_parameters(choice);
  if (option) settings.set(option, parameters);
  for (const auto& [key, value] : options.encoder_options)
    settings.set(key, option && key == option ? parameters + ":" + value : value);

  clear_ffmpeg_error();
  const int code = avcodec_open2(&context, choice.codec, &settings);
  if (code < 0) {
    const std::string detail = last_ffmpeg_error();
    return fail(ErrorCode::invalid_argument, "encoder {} refuses {}x{} {} with these options ({}{}{})",
                choice.codec->name, options.width, options.height, av_get_pix_fmt_name(choice.av_format),
                av_error_text(code), detail.empty() ? "" : ": ", detail);
  }
  if (const std::string unknown = settings.first_key(); !unknown.empty())
    return fail(ErrorCode::invalid_argument, "encoder {} has no option \"{}\" (ffmpeg -h encoder={} lists them)",
                choice.codec->name, unknown, choice.codec->name);
  return encoder;
}

}  // namespace framelift
