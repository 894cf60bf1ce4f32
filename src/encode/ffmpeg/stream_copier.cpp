#include "encode/ffmpeg/stream_copier.h"

extern "C" {
#include <libavutil/avstring.h>
#include <libavutil/mathematics.h>
#include <libavutil/mem.h>
}

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "base/allocation_counter.h"
#include "base/log.h"
#include "encode/ffmpeg/encoder_choice.h"

namespace framelift {
namespace {

bool is_mov_family(const AVFormatContext& output) {
  const std::string_view name = output.oformat->name;
  return name == "mp4" || name == "mov" || name == "ipod" || name == "3gp" || name == "ismv";
}

bool stores_codec_delay(const AVFormatContext& output) {
  const std::string_view name = output.oformat->name;
  return name == "matroska" || name == "webm";
}

bool is_matroska(const AVFormatContext& output) { return std::string_view(output.oformat->name) == "matroska"; }

// The text subtitle codec of a container, AV_CODEC_ID_NONE when it has none.
AVCodecID text_subtitle_codec(const AVFormatContext& output) {
  const std::string_view name = output.oformat->name;
  if (is_mov_family(output)) return AV_CODEC_ID_MOV_TEXT;
  if (name == "matroska") return AV_CODEC_ID_SUBRIP;
  if (name == "webm") return AV_CODEC_ID_WEBVTT;
  return output.oformat->subtitle_codec;
}

// Keeps the input's codec tag where it means the same in the output.
uint32_t codec_tag_for(const AVFormatContext& output, const AVCodecParameters& in) {
  const AVCodecTag* const* tags = output.oformat->codec_tag;
  unsigned other = 0;
  if (!tags || av_codec_get_id(tags, in.codec_tag) == in.codec_id || !av_codec_get_tag2(tags, in.codec_id, &other))
    return in.codec_tag;
  return 0;
}

bool is_statistics_tag(std::string_view key) {
  return key.starts_with("BPS") || key.starts_with("DURATION") || key.starts_with("NUMBER_OF_") ||
         key.starts_with("_STATISTICS_");
}

bool is_encoder_tag(const char* key) { return av_strcasecmp(key, "encoder") == 0; }  // Matroska's is in capitals

// Encoder delay of an audio stream, in samples: how far its first packets lie before time 0 (MP4 edit lists).
int priming_samples(const AVStream& in) {
  auto& stream = const_cast<AVStream&>(in);  // avformat_index_* take no const
  const AVIndexEntry* first = avformat_index_get_entry(&stream, 0);
  if (in.codecpar->codec_type != AVMEDIA_TYPE_AUDIO || !first || first->timestamp >= 0) return 0;
  return static_cast<int>(av_rescale_q(-first->timestamp, in.time_base, {1, in.codecpar->sample_rate}));
}

void copy_stream_metadata(const AVStream& in, AVStream& out, bool contents_change) {
  const AVDictionaryEntry* entry = nullptr;
  while ((entry = av_dict_get(in.metadata, "", entry, AV_DICT_IGNORE_SUFFIX))) {
    const std::string_view key = entry->key;
    if (key == "rotate" || (contents_change && (is_statistics_tag(key) || is_encoder_tag(entry->key)))) continue;
    av_dict_set(&out.metadata, entry->key, entry->value, 0);
  }
  out.disposition = in.disposition;
}

const char* kind_of(const AVStream& stream) {
  const char* kind = av_get_media_type_string(stream.codecpar->codec_type);
  return kind ? kind : "unknown";
}

}  // namespace

Result<std::unique_ptr<StreamCopier>> StreamCopier::open(const SinkOptions& options, AVFormatContext& output,
                                                         VideoPlace place) {
  std::unique_ptr<StreamCopier> self(new StreamCopier(options, output));
  FL_CHECK(self->open_input());
  self->add_streams(place);
  if (stores_codec_delay(output)) output.avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
  self->copy_metadata();
  self->copy_chapters();
  if (self->start_seconds_ > 0) {
    const int64_t start = self->time_of(self->start_seconds_, AV_TIME_BASE_Q);
    avformat_seek_file(self->input_.get(), -1, INT64_MIN, start, start, 0);  // where it fails, all is read and cut
  }
  return self;
}

Status StreamCopier::open_input() {
  if (from_.check) FL_CHECK(from_.check());
  std::string url = from_.path.find("://") == std::string::npos ? "file:" + from_.path : from_.path;
  const AVInputFormat* format = nullptr;
  if (from_.bytes > 0) {
    url = fmt::format("subfile,,start,{},end,{},,:{}", from_.offset, from_.offset + from_.bytes, url);
    format = av_find_input_format("matroska");  // whatever else the bytes look like
  }
  AVFormatContext* input = nullptr;
  int code = avformat_open_input(&input, url.c_str(), format, nullptr);
  if (code >= 0) {
    input_.reset(input);
    code = avformat_find_stream_info(input, nullptr);
  }
  if (code < 0)
    return fail(ErrorCode::io, "{}: its other streams cannot be read ({})", from_.path, av_error_text(code));
  video_index_ = from_.bytes > 0 ? 0 : pick_video_stream(*input);
  if (video_index_ < 0) return fail(ErrorCode::invalid_data, "{}: contains no video stream", from_.path);
  if (input->nb_streams == 0 || input->streams[video_index_]->codecpar->codec_type != AVMEDIA_TYPE_VIDEO)
    return fail(ErrorCode::invalid_data, "{}: the first of its other streams does not stand for the video", from_.path);
  return {};
}

int64_t StreamCopier::time_of(double seconds, AVRational time_base) const {
  return start_in_time_base(origin_us_, seconds, from_av(time_base));
}

AVStream* StreamCopier::add_video() {
  AVStream* video = avformat_new_stream(&output_, nullptr);
  copy_stream_metadata(*input_->streams[video_index_], *video, true);
  return video;
}

void StreamCopier::add_streams(VideoPlace place) {
  tracks_.resize(input_->nb_streams);
  if (place == VideoPlace::first) output_video_ = add_video();
  for (unsigned i = 0; i < input_->nb_streams; ++i) {
    AVStream& in = *input_->streams[i];
    Track& track = tracks_[i];
    if (static_cast<int>(i) == video_index_) {
      if (!output_video_) output_video_ = add_video();
    } else if (add_stream(in, track)) {
      copy_stream_metadata(in, *track.output, track.transcoder || start_seconds_ > 0 || duration_seconds_ > 0);
      if (track.output->codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT) track.output->disposition = 0;
      track.waiting_for_key = in.codecpar->codec_type == AVMEDIA_TYPE_VIDEO && start_seconds_ > 0;
    }
    if (!track.output || in.codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT) in.discard = AVDISCARD_ALL;
  }
}

void StreamCopier::leave_out(const AVStream& in, const std::string& reason) const {
  log::warn("{}: stream {} ({} {}) is left out: {}", from_.path, in.index, kind_of(in),
            avcodec_get_name(in.codecpar->codec_id), reason);
}

// A cover picture is a stream to MP4 but an attached file to Matroska.
bool StreamCopier::add_cover(const AVStream& in, Track& track) {
  const AVPacket& picture = in.attached_pic;
  const bool png = in.codecpar->codec_id == AV_CODEC_ID_PNG;
  if (!is_matroska(output_) || picture.size <= 0 || (!png && in.codecpar->codec_id != AV_CODEC_ID_MJPEG)) return false;
  track.output = avformat_new_stream(&output_, nullptr);
  AVCodecParameters& out = *track.output->codecpar;
  out.codec_type = AVMEDIA_TYPE_ATTACHMENT;
  out.codec_id = in.codecpar->codec_id;
  out.extradata = static_cast<uint8_t*>(av_mallocz(static_cast<size_t>(picture.size) + AV_INPUT_BUFFER_PADDING_SIZE));
  if (out.extradata) {
    std::memcpy(out.extradata, picture.data, static_cast<size_t>(picture.size));
    out.extradata_size = picture.size;
  }
  av_dict_set(&track.output->metadata, "filename", png ? "cover.png" : "cover.jpg", 0);
  av_dict_set(&track.output->metadata, "mimetype", png ? "image/png" : "image/jpeg", 0);
  return true;
}

bool StreamCopier::add_stream(const AVStream& in, Track& track) {
  const AVCodecParameters& parameters = *in.codecpar;
  const char* container = output_.oformat->name;
  switch (parameters.codec_type) {
    case AVMEDIA_TYPE_DATA:
      // Chapter titles and time codes of MP4 are rebuilt by the muxer from chapters and metadata.
      if (in.discard == AVDISCARD_ALL || parameters.codec_tag == MKTAG('t', 'm', 'c', 'd')) return false;
      if (parameters.codec_id == AV_CODEC_ID_NONE || !muxer_takes(*output_.oformat, parameters.codec_id)) {
        leave_out(in, fmt::format("{} cannot hold it", container));
        return false;
      }
      break;
    case AVMEDIA_TYPE_ATTACHMENT:
      if (!is_matroska(output_)) {
        leave_out(in, fmt::format("{} cannot hold attachments; write to .mkv to keep it", container));
        return false;
      }
      break;
    case AVMEDIA_TYPE_VIDEO:
      if ((in.disposition & AV_DISPOSITION_ATTACHED_PIC) && add_cover(in, track)) return true;
      [[fallthrough]];
    case AVMEDIA_TYPE_AUDIO:
    case AVMEDIA_TYPE_SUBTITLE: {
      if (parameters.codec_id != AV_CODEC_ID_NONE && muxer_takes(*output_.oformat, parameters.codec_id)) break;
      const AVCodecID target = text_subtitle_codec(output_);
      if (parameters.codec_type == AVMEDIA_TYPE_SUBTITLE && target != AV_CODEC_ID_NONE) {
        auto transcoder = SubtitleTranscoder::open(in, target);
        if (transcoder) {
          track.transcoder = std::move(*transcoder);
          track.output = avformat_new_stream(&output_, nullptr);
          track.transcoder->describe(*track.output->codecpar);
          track.output->time_base = in.time_base;
          log::info("{}: stream {}: {} subtitles are written as {}", from_.path, in.index,
                    avcodec_get_name(parameters.codec_id), avcodec_get_name(target));
          return true;
        }
      }
      leave_out(in, fmt::format("{} cannot hold it; write to .mkv to keep it", container));
      return false;
    }
    default: leave_out(in, "its kind is unknown"); return false;
  }
  track.output = avformat_new_stream(&output_, nullptr);
  avcodec_parameters_copy(track.output->codecpar, in.codecpar);
  track.output->codecpar->codec_tag = codec_tag_for(output_, parameters);
  track.output->time_base = in.time_base;
  track.output->sample_aspect_ratio = in.sample_aspect_ratio;
  track.output->avg_frame_rate = in.avg_frame_rate;
  track.output->r_frame_rate = in.r_frame_rate;
  // Matroska has no negative times. It states the delay instead (CodecDelay), so that nothing has to be shifted.
  if (stores_codec_delay(output_) && start_seconds_ <= 0 && track.output->codecpar->initial_padding == 0)
    track.output->codecpar->initial_padding = priming_samples(in);
  for (int i = 0; i < in.nb_side_data; ++i) {
    const AVPacketSideData& data = in.side_data[i];
    if (uint8_t* copy = av_stream_new_side_data(track.output, data.type, data.size))
      std::memcpy(copy, data.data, data.size);
  }
  return true;
}

void StreamCopier::copy_metadata() {
  const AVDictionaryEntry* entry = nullptr;
  while ((entry = av_dict_get(input_->metadata, "", entry, AV_DICT_IGNORE_SUFFIX))) {
    const std::string_view key = entry->key;
    // These describe the file itself, which is a new one.
    if (key == "major_brand" || key == "minor_version" || key == "compatible_brands" || is_encoder_tag(entry->key))
      continue;
    av_dict_set(&output_.metadata, entry->key, entry->value, 0);
  }
}

void StreamCopier::copy_chapters() {
  for (unsigned i = 0; i < input_->nb_chapters; ++i) {
    const AVChapter& in = *input_->chapters[i];
    const int64_t begin = start_seconds_ > 0 ? time_of(start_seconds_, in.time_base) : 0;
    int64_t start = in.start - begin;
    int64_t end = in.end - begin;
    if (start_seconds_ > 0) {
      if (end <= 0) continue;
      start = std::max<int64_t>(start, 0);
    }
    if (duration_seconds_ > 0) {
      const int64_t limit = av_rescale_q(std::llround(duration_seconds_ * AV_TIME_BASE), AV_TIME_BASE_Q, in.time_base);
      if (start >= limit) continue;
      end = std::min(end, limit);
    }
    auto* out = static_cast<AVChapter*>(av_mallocz(sizeof(AVChapter)));
    if (!out) return;
    out->id = in.id;
    out->time_base = in.time_base;
    out->start = start;
    out->end = end;
    av_dict_copy(&out->metadata, in.metadata, 0);
    int count = static_cast<int>(output_.nb_chapters);
    av_dynarray_add(&output_.chapters, &count, out);
    output_.nb_chapters = static_cast<unsigned>(count);
  }
}

// The next packet that belongs into the output, in `pending_`; times filled in and shifted, still in the input's base.
bool StreamCopier::read_next() {
  while (!ended_) {
    AVPacket& packet = *pending_;
    if (av_read_frame(input_.get(), &packet) < 0) {
      ended_ = true;
      return false;
    }
    // Streams that appear later in the file (MPEG-TS) were not announced to the muxer.
    if (static_cast<size_t>(packet.stream_index) < tracks_.size()) {
      const AVStream& in = *input_->streams[packet.stream_index];
      Track& track = tracks_[static_cast<size_t>(packet.stream_index)];
      if (track.output && !cut(in, track, packet)) return true;
    }
    av_packet_unref(&packet);
  }
  return false;
}

bool StreamCopier::cut(const AVStream& in, Track& track, AVPacket& packet) const {
  if (in.codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT) return true;
  if (track.output->codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT) return true;  // a cover, already in the header
  if (packet.pts == AV_NOPTS_VALUE) packet.pts = packet.dts == AV_NOPTS_VALUE ? track.next_dts : packet.dts;
  if (packet.dts == AV_NOPTS_VALUE) packet.dts = packet.pts;
  track.next_dts = packet.dts + packet.duration;
  if (in.disposition & AV_DISPOSITION_ATTACHED_PIC) return false;

  const int64_t begin = start_seconds_ > 0 ? time_of(start_seconds_, in.time_base) : 0;
  packet.pts -= begin;
  packet.dts -= begin;
  if (duration_seconds_ > 0) {
    const int64_t end = time_of(start_seconds_ + duration_seconds_, in.time_base) - begin;
    if (packet.pts >= end) return true;
    if (in.codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE) packet.duration = std::min(packet.duration, end - packet.pts);
  }
  if (start_seconds_ > 0 && packet.pts < 0) {
    // A subtitle that is still on screen at the start stays; anything else begins with its first whole packet.
    if (in.codecpar->codec_type != AVMEDIA_TYPE_SUBTITLE || packet.pts + packet.duration <= 0) return true;
    packet.duration += packet.pts;
    packet.pts = packet.dts = 0;
  }
  if (track.waiting_for_key) {
    if (!(packet.flags & AV_PKT_FLAG_KEY)) return true;
    track.waiting_for_key = false;
  }
  return false;
}

Status StreamCopier::write_pending() {
  AVPacket& packet = *pending_;
  has_pending_ = false;
  const AVStream& in = *input_->streams[packet.stream_index];
  Track& track = tracks_[static_cast<size_t>(packet.stream_index)];
  if (track.transcoder && !track.transcoder->transcode(packet)) {
    av_packet_unref(&packet);
    return {};
  }
  const AVRational from = in.time_base, to = track.output->time_base;
  const int rate = in.codecpar->sample_rate;
  if (in.codecpar->codec_type == AVMEDIA_TYPE_AUDIO && rate > 0 && packet.dts == packet.pts) {
    // Undoes the rounding of coarse time bases (Matroska's milliseconds) where the output is finer.
    int samples = av_get_audio_frame_duration2(in.codecpar, packet.size);
    if (samples <= 0) samples = in.codecpar->frame_size;
    const int64_t duration = av_rescale_q(packet.duration, from, to);
    packet.pts = packet.dts = samples > 0
                                  ? av_rescale_delta(from, packet.dts, {1, rate}, samples, &track.rescale_state, to)
                                  : av_rescale_q(packet.dts, from, to);
    packet.duration = duration;
  } else {
    av_packet_rescale_ts(&packet, from, to);
  }
  const int64_t lowest = track.last_dts == AV_NOPTS_VALUE
                             ? INT64_MIN
                             : track.last_dts + ((output_.oformat->flags & AVFMT_TS_NONSTRICT) ? 0 : 1);
  packet.dts = std::max(packet.dts, lowest);
  packet.pts = std::max(packet.pts, packet.dts);
  track.last_dts = packet.dts;
  packet.stream_index = track.output->index;
  packet.pos = -1;
  const int code = av_interleaved_write_frame(&output_, &packet);
  if (code == AVERROR(ENOSPC) || code == AVERROR(EIO) || code == AVERROR(EPIPE))
    return fail(ErrorCode::io, "{}", av_error_text(code));
  if (code < 0)
    log::warn("{}: a packet of stream {} ({}) is refused by the container and left out ({})", from_.path, in.index,
              avcodec_get_name(in.codecpar->codec_id), av_error_text(code));
  return {};
}

Status StreamCopier::copy_until(int64_t time, AVRational time_base) {
  ForeignScope foreign;
  for (;;) {
    if (!has_pending_) has_pending_ = read_next();
    if (!has_pending_) return {};
    const AVStream& in = *input_->streams[pending_->stream_index];
    if (av_compare_ts(pending_->dts, in.time_base, time, time_base) > 0) return {};
    FL_CHECK(write_pending());
  }
}

Status StreamCopier::copy_rest() {
  ForeignScope foreign;
  while (has_pending_ || read_next()) FL_CHECK(write_pending());
  return {};
}

}  // namespace framelift
