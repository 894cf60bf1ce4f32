#include "encode/ffmpeg/subtitle_transcoder.h"

extern "C" {
#include <libavutil/mem.h>
}

#include <cstring>

namespace framelift {
namespace {

constexpr size_t largest_subtitle_bytes = 1 << 20;  // FFmpeg's own limit

bool is_text(AVCodecID id) {
  const AVCodecDescriptor* descriptor = avcodec_descriptor_get(id);
  return descriptor && (descriptor->props & AV_CODEC_PROP_TEXT_SUB);
}

}  // namespace

Result<std::unique_ptr<SubtitleTranscoder>> SubtitleTranscoder::open(const AVStream& input, AVCodecID target) {
  const AVCodecID source = input.codecpar->codec_id;
  const AVCodec* decoder = avcodec_find_decoder(source);
  const AVCodec* encoder = avcodec_find_encoder(target);
  if (!decoder || !encoder || !is_text(source) || !is_text(target))
    return fail(ErrorCode::unsupported, "{} subtitles cannot be converted to {}", avcodec_get_name(source),
                avcodec_get_name(target));
  auto self = std::make_unique<SubtitleTranscoder>();
  self->decoder_.reset(avcodec_alloc_context3(decoder));
  avcodec_parameters_to_context(self->decoder_.get(), input.codecpar);
  self->decoder_->pkt_timebase = input.time_base;
  int code = avcodec_open2(self->decoder_.get(), decoder, nullptr);
  if (code >= 0) {
    self->encoder_.reset(avcodec_alloc_context3(encoder));
    AVCodecContext& out = *self->encoder_;
    out.time_base = {1, 1000};
    // The decoder describes fonts and styles in an ASS header, which the encoder starts from.
    if (self->decoder_->subtitle_header) {
      const size_t size = static_cast<size_t>(self->decoder_->subtitle_header_size);
      out.subtitle_header = static_cast<uint8_t*>(av_mallocz(size + 1));
      if (out.subtitle_header) {
        std::memcpy(out.subtitle_header, self->decoder_->subtitle_header, size);
        out.subtitle_header_size = static_cast<int>(size);
      }
    }
    code = avcodec_open2(&out, encoder, nullptr);
  }
  if (code < 0)
    return fail(ErrorCode::unsupported, "{} subtitles cannot be converted to {} ({})", avcodec_get_name(source),
                avcodec_get_name(target), av_error_text(code));
  self->buffer_.resize(largest_subtitle_bytes);
  return self;
}

void SubtitleTranscoder::describe(AVCodecParameters& parameters) const {
  avcodec_parameters_from_context(&parameters, encoder_.get());
}

bool SubtitleTranscoder::transcode(AVPacket& packet) {
  AVSubtitle subtitle{};
  int got = 0;
  if (avcodec_decode_subtitle2(decoder_.get(), &subtitle, &got, &packet) < 0 || !got) return false;
  int size = 0;
  if (subtitle.num_rects > 0) {
    if (packet.duration <= 0 && subtitle.end_display_time != UINT32_MAX)
      packet.duration = av_rescale_q(subtitle.end_display_time, {1, 1000}, decoder_->pkt_timebase);
    subtitle.end_display_time -= subtitle.start_display_time;
    subtitle.start_display_time = 0;
    size = avcodec_encode_subtitle(encoder_.get(), buffer_.data(), static_cast<int>(buffer_.size()), &subtitle);
  }
  avsubtitle_free(&subtitle);
  if (size <= 0) return false;

  AvPacketPtr converted(av_packet_alloc());
  if (av_new_packet(converted.get(), size) < 0) return false;
  std::memcpy(converted->data, buffer_.data(), static_cast<size_t>(size));
  av_packet_copy_props(converted.get(), &packet);
  av_packet_unref(&packet);
  av_packet_move_ref(&packet, converted.get());
  return true;
}

}  // namespace framelift
