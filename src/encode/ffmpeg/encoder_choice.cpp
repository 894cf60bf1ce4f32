#include "encode/ffmpeg/encoder_choice.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "base/edit_distance.h"
#include "color/transfer.h"
#include "decode/ffmpeg/pixel_layout.h"
#include "decode/media_source.h"

namespace framelift {
namespace {

bool is_picture_codec(AVCodecID id) {
  return id == AV_CODEC_ID_PNG || id == AV_CODEC_ID_TIFF || id == AV_CODEC_ID_BMP || id == AV_CODEC_ID_PPM ||
         id == AV_CODEC_ID_TARGA;
}

// Containers whose everyday codec is H.264.
bool prefers_h264(std::string_view muxer) {
  constexpr std::array names = {"matroska", "mp4", "mov", "ipod", "mpegts", "flv", "ismv", "3gp"};
  return std::ranges::find(names, muxer) != names.end();
}

// x265 refuses very small pictures, and sizes above every HEVC level; x264 takes them, with up to 10 bits.
bool size_for_x265(const SinkOptions& options) {
  return std::min(options.width, options.height) >= 32 && std::max(options.width, options.height) <= 8192;
}

const AVCodec* default_encoder(const SinkOptions& options, const AVOutputFormat& muxer, int bits) {
  const std::string& path = options.path;
  const std::string_view name = muxer.name;
  if (prefers_h264(name)) {
    const bool hevc = bits > 8 && size_for_x265(options) && muxer_takes(muxer, AV_CODEC_ID_HEVC);
    const char* wanted = hevc ? "libx265" : "libx264";
    if (const AVCodec* codec = avcodec_find_encoder_by_name(wanted)) return codec;
  }
  if (name == "webm")
    if (const AVCodec* codec = avcodec_find_encoder_by_name("libvpx-vp9")) return codec;
  if (name == "framemd5") return avcodec_find_encoder(AV_CODEC_ID_RAWVIDEO);
  return avcodec_find_encoder(av_guess_codec(&muxer, nullptr, path.c_str(), nullptr, AVMEDIA_TYPE_VIDEO));
}

std::string close_encoder_names(const std::string& name) {
  std::vector<std::pair<size_t, std::string>> found;
  void* cursor = nullptr;
  while (const AVCodec* codec = av_codec_iterate(&cursor)) {
    if (!av_codec_is_encoder(codec) || codec->type != AVMEDIA_TYPE_VIDEO) continue;
    const std::string_view candidate = codec->name;
    size_t distance = edit_distance(name, candidate);
    if (candidate.find(name) != std::string_view::npos) distance = 1;
    if (distance <= std::max<size_t>(2, name.size() / 3)) found.emplace_back(distance, codec->name);
  }
  std::ranges::sort(found);
  if (found.size() > 4) found.resize(4);
  std::string text;
  for (const auto& [distance, candidate] : found) text += (text.empty() ? "" : ", ") + candidate;
  return text;
}

// The formats an encoder takes. Raw video takes everything, YUV4MPEG a known few.
std::vector<AVPixelFormat> accepted_formats(const AVCodec& codec, std::string_view muxer) {
  std::vector<AVPixelFormat> formats;
  if (muxer == "yuv4mpegpipe") {
    for (const char* name : {"gray",        "gray9le",     "gray10le",    "gray12le",    "gray16le",    "yuv420p",
                             "yuv422p",     "yuv444p",     "yuv420p9le",  "yuv422p9le",  "yuv444p9le",  "yuv420p10le",
                             "yuv422p10le", "yuv444p10le", "yuv420p12le", "yuv422p12le", "yuv444p12le", "yuv420p14le",
                             "yuv422p14le", "yuv444p14le", "yuv420p16le", "yuv422p16le", "yuv444p16le"})
      formats.push_back(av_get_pix_fmt(name));
  } else if (codec.pix_fmts) {
    for (const AVPixelFormat* f = codec.pix_fmts; *f != AV_PIX_FMT_NONE; ++f) formats.push_back(*f);
  } else {
    const AVPixFmtDescriptor* d = nullptr;
    while ((d = av_pix_fmt_desc_next(d))) formats.push_back(av_pix_fmt_desc_get_id(d));
  }
  return formats;
}

struct Candidate {
  AVPixelFormat av_format;
  PixelLayout layout;
};

std::optional<Candidate> usable(AVPixelFormat format, const AVCodec& codec) {
  auto layout = pixel_layout(format);
  if (!layout || layout->resample_chroma || (!layout->native && !can_pack(format))) return std::nullopt;
  // yuvj* only says "full range", which the colour tags say as well; JPEG encoders take nothing else.
  if (std::string_view(av_get_pix_fmt_name(format)).starts_with("yuvj") && codec.id != AV_CODEC_ID_MJPEG)
    return std::nullopt;
  return Candidate{format, *layout};
}

// What an ideal encoder would be given.
PixelFormat wanted_format(const SinkOptions& options, const AVCodec& codec) {
  PixelFormat wanted = options.source_format;
  const AVCodecDescriptor* descriptor = avcodec_descriptor_get(codec.id);
  const bool lossy = descriptor && (descriptor->props & AV_CODEC_PROP_LOSSY);
  if (is_picture_codec(codec.id)) {
    if (wanted.family == ColorFamily::yuv) {
      wanted.family = ColorFamily::rgb;
      wanted.chroma_shift_x = wanted.chroma_shift_y = 0;
    }
  } else if (wanted.family == ColorFamily::rgb && lossy) {
    // Players expect 4:2:0 of video; JPEG pictures keep the colour resolution.
    const uint8_t shift = codec.id == AV_CODEC_ID_MJPEG ? 0 : 1;
    wanted = {ColorFamily::yuv, static_cast<uint8_t>(wanted.bits > 8 ? 10 : 8), shift, shift, wanted.alpha};
  }
  return wanted;
}

// H.264 and HEVC encoders refuse subsampled chroma that does not divide the size; 4:4:4 holds every size.
bool fits_size(const SinkOptions& options, const AVCodec& codec, const PixelFormat& format) {
  if (codec.id != AV_CODEC_ID_H264 && codec.id != AV_CODEC_ID_HEVC) return true;
  return options.width % (1 << format.chroma_shift_x) == 0 && options.height % (1 << format.chroma_shift_y) == 0;
}

// How much of the wanted picture a format loses; what it stores needlessly counts little.
int cost(const PixelFormat& wanted, const Candidate& candidate) {
  const PixelFormat& f = candidate.layout.format;
  int sum = candidate.layout.native ? 0 : 1;
  int shift_x = wanted.chroma_shift_x, shift_y = wanted.chroma_shift_y;
  if (f.family != wanted.family) {
    if (f.family == ColorFamily::gray) sum += 10000;
    sum += wanted.family == ColorFamily::gray ? 1000 : 3000;
    if (wanted.family == ColorFamily::gray && f.family == ColorFamily::rgb) sum += 100;
    if (wanted.family == ColorFamily::gray) shift_x = shift_y = 1;
  }
  if (f.family == ColorFamily::yuv) {
    sum += f.chroma_shift_x > shift_x ? 400 : f.chroma_shift_x < shift_x ? 50 : 0;
    sum += f.chroma_shift_y > shift_y ? 400 : f.chroma_shift_y < shift_y ? 50 : 0;
  }
  sum += f.bits < wanted.bits ? 200 * (wanted.bits - f.bits) : 5 * (f.bits - wanted.bits);
  // Colours that alpha has been multiplied into cannot be stored beside it as codes: they are shown over black.
  const bool alpha = wanted.alpha && (f.is_float() || !wanted.is_float());
  if (alpha != f.alpha) sum += alpha ? 300 : 60;
  return sum;
}

ColorInfo color_to_write(ColorInfo color, const EncoderChoice& choice) {
  // Codes are too coarse for linear light, and floating-point files are meant to hold it.
  if (choice.format.is_float() && !is_hdr(color.transfer)) color.transfer = TransferCharacteristic::linear;
  if (!choice.format.is_float() && color.transfer == TransferCharacteristic::linear)
    color.transfer = choice.format.family == ColorFamily::yuv && choice.codec->id != AV_CODEC_ID_MJPEG
                         ? TransferCharacteristic::bt709
                         : TransferCharacteristic::srgb;
  if (choice.format.family == ColorFamily::rgb) {
    color.matrix = MatrixCoefficients::rgb;
    color.range = ColorRange::full;
    return color;
  }
  if (choice.codec->id == AV_CODEC_ID_MJPEG) {  // JFIF leaves no choice
    color.matrix = MatrixCoefficients::bt470bg;
    color.range = ColorRange::full;
    color.chroma_location = ChromaLocation::center;
    return color;
  }
  if (is_picture_codec(choice.codec->id)) color.range = ColorRange::full;
  if (color.matrix == MatrixCoefficients::rgb) {
    color.matrix =
        color.primaries == ColorPrimaries::bt2020 ? MatrixCoefficients::bt2020_ncl : MatrixCoefficients::bt709;
    if (choice.format.family == ColorFamily::yuv) {
      color.range = ColorRange::limited;
      color.chroma_location =
          color.primaries == ColorPrimaries::bt2020 ? ChromaLocation::top_left : ChromaLocation::left;
    }
  }
  return color;
}

Result<const AVCodec*> find_encoder(const SinkOptions& options, const AVOutputFormat& muxer, int bits) {
  if (options.encoder.empty()) {
    const AVCodec* codec = default_encoder(options, muxer, bits);
    if (!codec)
      return fail(ErrorCode::unsupported,
                  "{}: FFmpeg has no encoder for this kind of file; use .mkv, .mp4, .png or "
                  "name an encoder",
                  options.path);
    return codec;
  }
  const AVCodec* codec = avcodec_find_encoder_by_name(options.encoder.c_str());
  if (!codec || codec->type != AVMEDIA_TYPE_VIDEO) {
    const std::string close = close_encoder_names(options.encoder);
    return fail(ErrorCode::not_found, "unknown video encoder \"{}\"{}; ffmpeg -encoders lists them", options.encoder,
                close.empty() ? "" : fmt::format(", did you mean {}?", close));
  }
  if (!muxer_takes(muxer, codec->id))
    return fail(ErrorCode::unsupported, "{}: a {} file cannot hold {} video; choose another container or encoder",
                options.path, muxer.name, avcodec_get_name(codec->id));
  return codec;
}

// PQ and HLG spread so much light over their codes that 8 bits show bands; BT.2100 knows 10 and 12.
Status check_hdr_depth(const SinkOptions& options, const EncoderChoice& choice,
                       std::span<const AVPixelFormat> accepted) {
  if (!is_hdr(options.color.transfer) || options.source_format.bits < 10) return {};
  const char* transfer = hdr_name(options.color.transfer);
  const AVCodecID codec = choice.codec->id;
  if (is_picture_codec(codec) && codec != AV_CODEC_ID_PNG)
    return fail(ErrorCode::unsupported, "{}: {} pictures cannot say that they are {}; write .png or .avif",
                options.path, avcodec_get_name(codec), transfer);
  if (choice.format.bits >= 10) return {};
  const bool deep = std::ranges::any_of(accepted, [&](AVPixelFormat format) {
    const auto candidate = usable(format, *choice.codec);
    return candidate && candidate->layout.format.bits >= 10;
  });
  return fail(ErrorCode::unsupported, "{}: {} needs 10 bits or more, and encoder {} would write {}; {}", options.path,
              transfer, choice.codec->name, av_get_pix_fmt_name(choice.av_format),
              deep ? "leave --pixel-format out, or name one with 10 bits"
                   : "write .mkv, .mp4 or .mov with libx265, libsvtav1, prores_ks or ffv1, or .png or .avif pictures");
}

}  // namespace

const AVOutputFormat* find_muxer(const std::string& path, const std::string& format) {
  // FFmpeg would fall back to the file's name when the format is unknown.
  return format.empty() ? av_guess_format(nullptr, path.c_str(), nullptr)
                        : av_guess_format(container_name(format).c_str(), nullptr, nullptr);
}

bool muxer_takes(const AVOutputFormat& muxer, AVCodecID codec) {
  const std::string_view name = muxer.name;
  if (name == "webm") {
    constexpr std::array taken = {AV_CODEC_ID_VP8,    AV_CODEC_ID_VP9,  AV_CODEC_ID_AV1,
                                  AV_CODEC_ID_VORBIS, AV_CODEC_ID_OPUS, AV_CODEC_ID_WEBVTT};
    return std::ranges::find(taken, codec) != taken.end();
  }
  if (name == "framemd5") return codec == AV_CODEC_ID_RAWVIDEO;
  if (name == "yuv4mpegpipe") return codec == AV_CODEC_ID_WRAPPED_AVFRAME;
  return avformat_query_codec(&muxer, codec, FF_COMPLIANCE_NORMAL) != 0;
}

Result<EncoderChoice> choose_encoder(const SinkOptions& options, const AVOutputFormat& muxer) {
  AVPixelFormat forced = AV_PIX_FMT_NONE;
  int bits = options.source_format.bits;
  if (!options.pixel_format.empty()) {
    forced = av_get_pix_fmt(options.pixel_format.c_str());
    const auto layout = pixel_layout(forced);
    if (!layout)
      return fail(ErrorCode::invalid_argument, "unknown pixel format \"{}\"; ffmpeg -pix_fmts lists them",
                  options.pixel_format);
    bits = layout->format.bits;
  }

  EncoderChoice choice;
  FL_TRY(choice.codec, find_encoder(options, muxer, bits));
  const std::vector<AVPixelFormat> accepted = accepted_formats(*choice.codec, muxer.name);
  const PixelFormat wanted = wanted_format(options, *choice.codec);
  std::optional<Candidate> best;
  for (AVPixelFormat format : accepted) {
    if (forced != AV_PIX_FMT_NONE && format != forced) continue;
    auto candidate = usable(format, *choice.codec);
    if (candidate && forced == AV_PIX_FMT_NONE && !fits_size(options, *choice.codec, candidate->layout.format))
      continue;
    if (candidate && (!best || cost(wanted, *candidate) < cost(wanted, *best))) best = candidate;
  }
  if (!best) {
    std::string names;
    for (AVPixelFormat format : accepted)
      if (usable(format, *choice.codec))
        names += (names.empty() ? "" : ", ") + std::string(av_get_pix_fmt_name(format));
    return fail(ErrorCode::unsupported, "encoder {} does not take pixel format {}; it takes {}", choice.codec->name,
                forced == AV_PIX_FMT_NONE ? "of this video" : options.pixel_format, names.empty() ? "none" : names);
  }
  choice.av_format = best->av_format;
  choice.format = best->layout.format;
  choice.packed = !best->layout.native;
  choice.color = color_to_write(options.color, choice);
  FL_CHECK(check_hdr_depth(options, choice, accepted));
  return choice;
}

}  // namespace framelift
