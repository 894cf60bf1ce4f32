#include "decode/media_source.h"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/mastering_display_metadata.h>
}

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <filesystem>
#include <string_view>

#include "base/allocation_counter.h"
#include "base/log.h"
#include "decode/ffmpeg/ffmpeg.h"
#include "decode/ffmpeg/filter_graph.h"
#include "decode/ffmpeg/frame_holders.h"
#include "decode/ffmpeg/pixel_layout.h"

namespace framelift {
namespace {

// Frames decoded at open to see whether a stream that does not say so is interlaced.
constexpr size_t probe_frames = 4;
// Consecutive decoder errors at the end of the file after which no more frames are expected.
constexpr int max_errors_while_draining = 1000;

std::array<int32_t, 9> matrix_of(const uint8_t* bytes) {
  std::array<int32_t, 9> matrix;
  std::memcpy(matrix.data(), bytes, sizeof matrix);
  return matrix;
}

// Stream side data comes from the container, frame side data from the video itself.
const uint8_t* find_side_data(const AVStream& stream, AVPacketSideDataType in_stream, const AVFrame& frame,
                              AVFrameSideDataType in_frame) {
  if (const uint8_t* data = av_stream_get_side_data(&stream, in_stream, nullptr)) return data;
  const AVFrameSideData* data = av_frame_get_side_data(&frame, in_frame);
  return data ? data->data : nullptr;
}

// Metadata that says how a file is stored, not what it shows.
bool of_the_container(std::string_view key) {
  return key == "major_brand" || key == "minor_version" || key == "compatible_brands" || key == "encoder";
}

HdrMetadata hdr_metadata(const AVStream& stream, const AVFrame& frame) {
  HdrMetadata hdr;
  if (const auto* display = reinterpret_cast<const AVMasteringDisplayMetadata*>(find_side_data(
          stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA));
      display && display->has_primaries && display->has_luminance) {
    MasteringDisplay out;
    for (size_t i = 0; i < 3; ++i)
      for (size_t j = 0; j < 2; ++j) out.primaries[i][j] = av_q2d(display->display_primaries[i][j]);
    for (size_t j = 0; j < 2; ++j) out.white_point[j] = av_q2d(display->white_point[j]);
    out.min_nits = av_q2d(display->min_luminance);
    out.max_nits = av_q2d(display->max_luminance);
    hdr.mastering_display = out;
  }
  if (const auto* light = reinterpret_cast<const AVContentLightMetadata*>(
          find_side_data(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL)))
    hdr.content_light = ContentLight{static_cast<int>(light->MaxCLL), static_cast<int>(light->MaxFALL)};
  return hdr;
}

class FfmpegSource final : public Source {
 public:
  explicit FfmpegSource(const SourceOptions& options) : options_(options) {}

  Status open(const MediaInput& input);
  const VideoInfo& info() const override { return info_; }
  Result<Frame> next() override;
  SourceCounters counters() const override { return counters_; }
  bool can_seek() const override;
  Status seek(int64_t pts) override;

 private:
  Status open_container(const MediaInput& input);
  Status open_decoder();
  void seek_to_start();
  bool seek_container(int64_t pts);
  Status open_filters();
  Status decode_first_frames();
  Status plan_conversion();
  void describe();
  std::optional<std::array<int32_t, 9>> display_matrix(const AVFrame& first) const;

  bool decode(AVFrame* out);
  void feed_decoder();
  void count_damage(int code);
  void count_missing_frames();
  bool take_decoded(AVFrame* out);
  Result<bool> produce(AVFrame* out);
  Status conform(AVFrame* frame);
  Result<Frame> deliver(FrameHolders::HolderPtr holder);
  Result<FrameHolders::HolderPtr> take_converted(AVPixelFormat format, int width, int height);

  SourceOptions options_;
  std::string name_;
  bool sequence_ = false;
  InputPtr container_;
  AVStream* stream_ = nullptr;
  CodecContextPtr decoder_;
  AvPacketPtr packet_{av_packet_alloc()};
  bool draining_ = false;
  int errors_while_draining_ = 0;
  int64_t packets_sent_ = 0;  // those that should give a frame
  int64_t frames_decoded_ = 0;
  bool sought_ = false;

  std::deque<AvFramePtr> first_frames_;  // decoded by open(), not yet delivered
  std::string filter_text_;
  AVPixelFormat filter_output_ = AV_PIX_FMT_NONE;
  AvFramePtr filter_example_;  // a first frame
  FilterChain filters_;
  AvFramePtr filter_input_{av_frame_alloc()};
  bool filter_drained_ = false;
  ScalerPtr scaler_;
  AvFramePtr scaled_{av_frame_alloc()};
  bool size_change_logged_ = false;

  // Of the first decoded frame; later ones that differ are scaled to it.
  int decoded_width_ = 0, decoded_height_ = 0;
  AVPixelFormat decoded_format_ = AV_PIX_FMT_NONE;
  AVPixelFormat conformed_format_ = AV_PIX_FMT_NONE;  // what conform() scales to
  bool always_scale_ = false;                         // 4:1:1 and 4:1:0

  FrameHolders references_{FrameHolders::Reuse::unreference};
  FrameHolders pictures_{FrameHolders::Reuse::keep_buffer};

  std::optional<int64_t> first_pts_, end_pts_;  // of --start and --duration; frames outside are dropped
  bool ended_ = false;
  VideoInfo info_;
  SourceCounters counters_;
};

Status FfmpegSource::open(const MediaInput& input) {
  name_ = input.name;
  sequence_ = input.sequence;
  FL_CHECK(open_container(input));
  FL_CHECK(open_decoder());
  seek_to_start();
  FL_CHECK(decode_first_frames());
  FL_CHECK(plan_conversion());
  describe();
  return {};
}

Status FfmpegSource::open_container(const MediaInput& input) {
  const AVInputFormat* forced = nullptr;
  if (!input.format.empty()) {
    forced = av_find_input_format(input.format.c_str());
    if (!forced)
      return fail(ErrorCode::invalid_argument,
                  "{}: FFmpeg has no input format named \"{}\" (ffmpeg -demuxers lists them)", name_, input.format);
  }
  AvDictionary settings;
  for (const auto& [key, value] : input.demuxer_options) settings.set(key, value);
  AVFormatContext* context = nullptr;
  clear_ffmpeg_error();
  int code = avformat_open_input(&context, input.url.c_str(), forced, &settings);
  if (code < 0) {
    const std::string detail = last_ffmpeg_error();
    if (code == AVERROR(ENOENT)) return fail(ErrorCode::not_found, "{}: no such file", name_);
    return fail(code == AVERROR_INVALIDDATA || code == AVERROR_EOF ? ErrorCode::invalid_data : ErrorCode::io,
                "{}: is not a video or picture that FFmpeg can read, or it is damaged or cut off ({}{}{})", name_,
                av_error_text(code), detail.empty() ? "" : ": ", detail);
  }
  container_.reset(context);
  // FFmpeg shows any .txt as a terminal recording.
  if (std::string_view(context->iformat->name) == "tty" && input.format.empty())
    return fail(ErrorCode::invalid_data, "{}: is a text file, not a video or picture", name_);
  code = avformat_find_stream_info(context, nullptr);
  if (code < 0)
    return fail(ErrorCode::invalid_data, "{}: its streams cannot be read; it may be damaged or cut off ({})", name_,
                av_error_text(code));

  const int index = pick_video_stream(*context);
  if (index < 0) {
    const bool audio = av_find_best_stream(context, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0) >= 0;
    return fail(ErrorCode::invalid_data, "{}: contains no video stream{}; give a video or a picture", name_,
                audio ? ", only audio" : "");
  }
  stream_ = context->streams[index];
  for (unsigned i = 0; i < context->nb_streams; ++i)
    if (static_cast<int>(i) != index) context->streams[i]->discard = AVDISCARD_ALL;
  return {};
}

Status FfmpegSource::open_decoder() {
  const AVCodecParameters& parameters = *stream_->codecpar;
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  if (!codec)
    return fail(ErrorCode::unsupported, "{}: this build of FFmpeg has no decoder for {}; convert the video first",
                name_, avcodec_get_name(parameters.codec_id));
  decoder_.reset(avcodec_alloc_context3(codec));
  avcodec_parameters_to_context(decoder_.get(), &parameters);
  decoder_->pkt_timebase = stream_->time_base;
  decoder_->thread_count = options_.threads;
  int code = avcodec_open2(decoder_.get(), codec, nullptr);
  if (code < 0)
    return fail(ErrorCode::invalid_data, "{}: the {} decoder does not accept this stream ({})", name_, codec->name,
                av_error_text(code));
  return {};
}

void FfmpegSource::seek_to_start() {
  const Rational base = from_av(stream_->time_base);
  info_.origin_us = origin_of(*container_);
  if (options_.duration_seconds > 0)
    end_pts_ = start_in_time_base(info_.origin_us, options_.start_seconds + options_.duration_seconds, base);
  if (options_.start_seconds <= 0) return;
  first_pts_ = start_in_time_base(info_.origin_us, options_.start_seconds, base);
  // A format that cannot seek is read from its beginning; the frames before the start are dropped either way.
  if (!seek_container(*first_pts_)) log::debug("{}: cannot seek, decoding from the beginning", name_);
}

// To where decoding can begin that reaches the frame at `pts`.
bool FfmpegSource::seek_container(int64_t pts) {
  // Containers that index by decoding time: presentation runs up to some frames later when there are B-frames.
  if (decoder_->has_b_frames > 0) pts -= av_rescale_q(AV_TIME_BASE / 5, AV_TIME_BASE_Q, stream_->time_base);
  return av_seek_frame(container_.get(), stream_->index, pts, AVSEEK_FLAG_BACKWARD) >= 0;
}

bool FfmpegSource::can_seek() const {
  const bool seekable = sequence_ || (container_->pb && (container_->pb->seekable & AVIO_SEEKABLE_NORMAL));
  return seekable && !info_.still && options_.max_frames == 0;
}

Status FfmpegSource::seek(int64_t pts) {
  const int64_t second = rescale(1, {1, 1}, info_.time_base);
  const int64_t beginning = stream_->start_time == AV_NOPTS_VALUE ? 0 : stream_->start_time;
  first_pts_ = pts;
  if (options_.start_seconds > 0)
    first_pts_ = std::max(pts, start_in_time_base(info_.origin_us, options_.start_seconds, info_.time_base));
  sought_ = true;
  // Formats without an index stop anywhere, from where decoding reaches no picture before the next key frame.
  for (int64_t back = 0;; back = std::max(2 * back, second)) {
    const int64_t target = std::max(*first_pts_ - back, beginning);
    if (!can_seek() || !seek_container(target)) return fail(ErrorCode::io, "{}: cannot go to another place", name_);
    avcodec_flush_buffers(decoder_.get());
    first_frames_.clear();
    draining_ = ended_ = filter_drained_ = false;
    errors_while_draining_ = 0;
    AvFramePtr frame(av_frame_alloc());
    const bool got = decode(frame.get());
    const bool reaches = got && frame->pts <= *first_pts_;
    if (got) first_frames_.push_back(std::move(frame));
    if (reaches || target == beginning) break;
  }
  return filters_.active() ? open_filters() : Status{};
}

Status FfmpegSource::decode_first_frames() {
  clear_ffmpeg_error();
  const bool look_for_fields =
      options_.deinterlace == Deinterlace::automatic && stream_->codecpar->field_order == AV_FIELD_UNKNOWN;
  do {
    AvFramePtr frame(av_frame_alloc());
    if (!decode(frame.get())) break;
    first_frames_.push_back(std::move(frame));
  } while (look_for_fields && first_frames_.size() < probe_frames && !first_frames_.back()->interlaced_frame);
  if (!first_frames_.empty()) return {};
  const std::string detail = last_ffmpeg_error();
  return fail(ErrorCode::invalid_data, "{}: contains no decodable video frame{}{}; it may be damaged or cut off", name_,
              detail.empty() ? "" : ": ", detail);
}

std::optional<std::array<int32_t, 9>> FfmpegSource::display_matrix(const AVFrame& first) const {
  size_t size = 0;
  const uint8_t* bytes = av_stream_get_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (!bytes || size < 9 * sizeof(int32_t)) {
    // EXIF orientation of pictures and the H.264/HEVC orientation message arrive with the frame.
    const AVFrameSideData* data = av_frame_get_side_data(&first, AV_FRAME_DATA_DISPLAYMATRIX);
    if (!data || data->size < 9 * sizeof(int32_t)) return std::nullopt;
    bytes = data->data;
  }
  auto matrix = matrix_of(bytes);
  if (rotation_filters(matrix).empty()) return std::nullopt;
  return matrix;
}

Status FfmpegSource::open_filters() {
  filters_ = {};
  return filters_.open(filter_text_, *filter_example_, stream_->time_base, stream_->avg_frame_rate, filter_output_);
}

// Decides, from the first frame, what happens to every frame: filters, scaling, splitting.
Status FfmpegSource::plan_conversion() {
  const AVFrame& first = *first_frames_.front();
  decoded_width_ = first.width;
  decoded_height_ = first.height;
  decoded_format_ = static_cast<AVPixelFormat>(first.format);
  auto layout = pixel_layout(decoded_format_, palette_has_alpha(first));
  if (!layout)
    return fail(ErrorCode::unsupported, "{}: pixel format {} is not supported; convert the video first", name_,
                av_get_pix_fmt_name(decoded_format_));
  info_.format = layout->format;
  AVPixelFormat planar = av_pixel_format(layout->format);
  if (planar == AV_PIX_FMT_NONE) planar = layout->format.bits > 8 ? AV_PIX_FMT_YA16LE : AV_PIX_FMT_YA8;
  conformed_format_ = planar;
  always_scale_ = layout->resample_chroma;

  const AVFieldOrder order = stream_->codecpar->field_order;
  const bool tagged = order != AV_FIELD_UNKNOWN && order != AV_FIELD_PROGRESSIVE;
  const bool flagged = std::ranges::any_of(first_frames_, [](const AvFramePtr& f) { return f->interlaced_frame; });
  info_.interlaced = options_.deinterlace == Deinterlace::on ||
                     (options_.deinterlace == Deinterlace::automatic && (tagged || flagged));
  info_.display_matrix = display_matrix(first);

  std::string filters;
  if (info_.interlaced)
    filters = options_.deinterlace == Deinterlace::on ? "bwdif=mode=send_frame:deint=all"
                                                      : "bwdif=mode=send_frame:deint=interlaced";
  if (options_.apply_rotation && info_.display_matrix) {
    filters += (filters.empty() ? "" : ",") + rotation_filters(*info_.display_matrix);
    info_.display_matrix.reset();
  }
  AVRational aspect = av_guess_sample_aspect_ratio(container_.get(), stream_, first_frames_.front().get());
  info_.width = decoded_width_;
  info_.height = decoded_height_;
  if (!filters.empty()) {
    filter_text_ = filters;
    filter_output_ = planar;
    filter_example_.reset(av_frame_clone(&first));
    filter_example_->sample_aspect_ratio = aspect;
    FL_CHECK(open_filters());
    conformed_format_ = decoded_format_;
    always_scale_ = false;
    info_.width = filters_.width();
    info_.height = filters_.height();
    aspect = filters_.sample_aspect_ratio();
  }
  info_.sample_aspect_ratio = aspect.num > 0 && aspect.den > 0 ? from_av(aspect) : Rational{0, 1};
  return {};
}

void FfmpegSource::describe() {
  const AVFrame& first = *first_frames_.front();
  const AVCodecParameters& parameters = *stream_->codecpar;
  info_.color = merge_color(color_of(first), color_of(parameters));
  if (info_.format.family == ColorFamily::rgb) {
    info_.color.matrix = MatrixCoefficients::rgb;
    if (info_.color.range == ColorRange::unspecified) info_.color.range = ColorRange::full;
  } else if (info_.color.matrix == MatrixCoefficients::rgb) {
    info_.color.matrix = MatrixCoefficients::unspecified;
  }
  if (info_.format.is_float()) {  // PFM and the like, which have no tags
    info_.color.range = ColorRange::full;
    if (info_.color.transfer == TransferCharacteristic::unspecified)
      info_.color.transfer = TransferCharacteristic::linear;
  }
  const std::string_view pixel_format = av_get_pix_fmt_name(decoded_format_);
  if (pixel_format.starts_with("yuvj")) info_.color.range = ColorRange::full;

  info_.time_base = from_av(stream_->time_base);
  AVRational rate = av_guess_frame_rate(container_.get(), stream_, nullptr);
  info_.frame_rate = rate.num > 0 && rate.den > 0 ? from_av(rate) : Rational{0, 1};
  info_.container = container_->iformat->name;
  info_.codec = avcodec_get_name(parameters.codec_id);
  // Pipes and picture sequences cannot be read a second time, and hold nothing else.
  std::error_code ignored;
  if (options_.path.find("://") != std::string::npos || std::filesystem::is_regular_file(options_.path, ignored))
    info_.other_streams.path = options_.path;
  const bool picture_demuxer = info_.container == "image2" || info_.container.ends_with("_pipe");
  const AVDictionaryEntry* brand = av_dict_get(container_->metadata, "major_brand", nullptr, 0);
  const bool avif = brand && std::string_view(brand->value) == "avif";
  info_.still = (picture_demuxer && !sequence_ && name_ != "stdin") || avif;
  info_.hdr = hdr_metadata(*stream_, first);
  for (const AVDictionary* metadata : {container_->metadata, first.metadata}) {
    const AVDictionaryEntry* entry = nullptr;
    while ((entry = av_dict_get(metadata, "", entry, AV_DICT_IGNORE_SUFFIX)))
      if (!of_the_container(entry->key)) info_.attributes.texts.emplace_back(entry->key, entry->value);
  }
  // Grey pictures use every code value, as their file formats define; only video counts from 16.
  if (picture_demuxer && info_.format.family == ColorFamily::gray && info_.color.range == ColorRange::unspecified)
    info_.color.range = ColorRange::full;

  double seconds = 0;
  if (stream_->duration > 0)
    seconds = static_cast<double>(stream_->duration) * av_q2d(stream_->time_base);
  else if (container_->duration > 0)
    seconds = static_cast<double>(container_->duration) / AV_TIME_BASE;
  double count =
      stream_->nb_frames > 0 ? static_cast<double>(stream_->nb_frames) : std::round(seconds * info_.frame_rate.value());
  if (options_.start_seconds > 0 || options_.duration_seconds > 0) {
    double kept = std::max(0.0, seconds - options_.start_seconds);
    if (options_.duration_seconds > 0) kept = seconds > 0 ? std::min(kept, options_.duration_seconds) : 0;
    count = seconds > 0 ? std::round(count * kept / seconds) : 0;
    seconds = kept;
  }
  info_.duration_seconds = info_.still ? 0 : seconds;
  info_.frame_count = info_.still ? 1 : static_cast<int64_t>(count);
  if (options_.max_frames > 0 && (info_.frame_count == 0 || info_.frame_count > options_.max_frames))
    info_.frame_count = options_.max_frames;
}

// With frame threads FFmpeg swallows some decoding errors. Where a packet is exactly one frame, a frame that never came
// shows them.
void FfmpegSource::count_missing_frames() {
  if (sought_) return;  // decoding began between frames that depend on others
  const AVCodecID codec = stream_->codecpar->codec_id;
  if (codec != AV_CODEC_ID_H264 && codec != AV_CODEC_ID_HEVC) return;
  const int64_t missing = packets_sent_ - frames_decoded_;
  if (missing <= counters_.damaged_packets) return;
  if (counters_.damaged_packets == 0) log::warn("{}: damaged data is skipped ({} frames missing)", name_, missing);
  counters_.damaged_packets = missing;
}

void FfmpegSource::count_damage(int code) {
  if (counters_.damaged_packets++ == 0) log::warn("{}: damaged data is skipped ({})", name_, av_error_text(code));
}

// Reads packets until one went into the decoder, or tells it that the file has ended.
void FfmpegSource::feed_decoder() {
  for (;;) {
    int code = av_read_frame(container_.get(), packet_.get());
    if (code == AVERROR(EAGAIN)) continue;
    if (code < 0) {
      if (code != AVERROR_EOF) count_damage(code);
      draining_ = true;
      avcodec_send_packet(decoder_.get(), nullptr);
      return;
    }
    const bool ours = packet_->stream_index == stream_->index;
    if (ours && !(packet_->flags & AV_PKT_FLAG_DISCARD)) ++packets_sent_;
    if (ours) code = avcodec_send_packet(decoder_.get(), packet_.get());
    av_packet_unref(packet_.get());
    if (!ours) continue;
    if (code < 0 && code != AVERROR(EAGAIN) && code != AVERROR_EOF) {
      count_damage(code);
      continue;
    }
    return;
  }
}

// The decoder's next frame; false at the end.
bool FfmpegSource::decode(AVFrame* out) {
  for (;;) {
    int code = avcodec_receive_frame(decoder_.get(), out);
    if (code == 0) {
      out->pts = out->best_effort_timestamp;
      ++frames_decoded_;
      return true;
    }
    if (code == AVERROR_EOF) {
      count_missing_frames();
      return false;
    }
    if (code != AVERROR(EAGAIN)) {
      count_damage(code);
      if (draining_ && ++errors_while_draining_ > max_errors_while_draining) return false;
    }
    if (!draining_) feed_decoder();
  }
}

bool FfmpegSource::take_decoded(AVFrame* out) {
  if (first_frames_.empty()) return decode(out);
  av_frame_move_ref(out, first_frames_.front().get());
  first_frames_.pop_front();
  return true;
}

// Scales a frame that is not like the first one.
Status FfmpegSource::conform(AVFrame* frame) {
  const bool differs =
      frame->width != decoded_width_ || frame->height != decoded_height_ || frame->format != decoded_format_;
  if (!differs && !always_scale_) return {};
  if (differs && !size_change_logged_) {
    log::warn("{}: the picture changes from {}x{} {} to {}x{} {}; frames are scaled to the first size", name_,
              decoded_width_, decoded_height_, av_get_pix_fmt_name(decoded_format_), frame->width, frame->height,
              av_get_pix_fmt_name(static_cast<AVPixelFormat>(frame->format)));
    size_change_logged_ = true;
  }
  scaler_.reset(sws_getCachedContext(
      scaler_.release(), frame->width, frame->height, static_cast<AVPixelFormat>(frame->format), decoded_width_,
      decoded_height_, conformed_format_, SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP,
      nullptr, nullptr, nullptr));
  if (!scaler_)
    return fail(ErrorCode::unsupported, "{}: the picture changes to {}x{} {} and cannot be converted back", name_,
                frame->width, frame->height, av_get_pix_fmt_name(static_cast<AVPixelFormat>(frame->format)));
  av_frame_unref(scaled_.get());
  scaled_->width = decoded_width_;
  scaled_->height = decoded_height_;
  scaled_->format = conformed_format_;
  int code = av_frame_get_buffer(scaled_.get(), 0);
  if (code >= 0)
    code = sws_scale(scaler_.get(), frame->data, frame->linesize, 0, frame->height, scaled_->data, scaled_->linesize);
  if (code < 0) return fail(ErrorCode::out_of_memory, "{}: a frame cannot be scaled ({})", name_, av_error_text(code));
  av_frame_copy_props(scaled_.get(), frame);
  av_frame_unref(frame);
  av_frame_move_ref(frame, scaled_.get());
  return {};
}

// The next frame after filters and scaling; false at the end.
Result<bool> FfmpegSource::produce(AVFrame* out) {
  ForeignScope foreign;
  if (!filters_.active()) {
    if (!take_decoded(out)) return false;
    FL_CHECK(conform(out));
    return true;
  }
  for (;;) {
    int code = filters_.receive(out);
    if (code >= 0) return true;
    if (code == AVERROR_EOF || filter_drained_) return false;
    if (code != AVERROR(EAGAIN))
      return fail(ErrorCode::internal, "{}: a filter failed ({})", name_, av_error_text(code));
    if (take_decoded(filter_input_.get())) {
      FL_CHECK(conform(filter_input_.get()));
      code = filters_.send(filter_input_.get());
    } else {
      code = filters_.send(nullptr);
      if (code == AVERROR_EOF) code = 0;
    }
    if (code < 0) return fail(ErrorCode::internal, "{}: a filter failed ({})", name_, av_error_text(code));
  }
}

Result<FrameHolders::HolderPtr> FfmpegSource::take_converted(AVPixelFormat format, int width, int height) {
  auto holder = pictures_.take();
  AVFrame& picture = holder->frame();
  if (picture.buf[0]) return holder;
  picture.format = format;
  picture.width = width;
  picture.height = height;
  int code = av_frame_get_buffer(&picture, 0);
  if (code < 0) return fail(ErrorCode::out_of_memory, "{}: no memory for a {}x{} frame", name_, width, height);
  return holder;
}

Result<Frame> FfmpegSource::deliver(FrameHolders::HolderPtr holder) {
  AVFrame& av = holder->frame();
  Frame frame;
  frame.width = info_.width;
  frame.height = info_.height;
  frame.format = info_.format;
  frame.color = info_.color;
  frame.sample_aspect_ratio = info_.sample_aspect_ratio;
  if (av.pts != AV_NOPTS_VALUE) frame.pts = av.pts;
  frame.duration = av.pkt_duration;

  const auto layout = pixel_layout(static_cast<AVPixelFormat>(av.format));
  if (layout && layout->native) {
    view_planes(av, frame);
    frame.memory = std::move(holder);
    return frame;
  }
  AVPixelFormat planar = av_pixel_format(info_.format);
  // FFmpeg has no planar grey with alpha: two of the planes of 4:4:4 hold it.
  if (planar == AV_PIX_FMT_NONE) planar = info_.format.bits > 8 ? AV_PIX_FMT_YUV444P16LE : AV_PIX_FMT_YUV444P;
  FL_TRY(auto converted, take_converted(planar, info_.width, info_.height));
  view_planes(converted->frame(), frame);
  split_planes(av, frame);
  frame.memory = std::move(converted);
  return frame;
}

Result<Frame> FfmpegSource::next() {
  if (ended_ || (options_.max_frames > 0 && counters_.frames >= options_.max_frames)) return Frame{};
  for (;;) {
    auto holder = references_.take();
    FL_TRY(const bool got, produce(&holder->frame()));
    const int64_t pts = got ? holder->frame().pts : AV_NOPTS_VALUE;
    if (!got || (end_pts_ && pts != AV_NOPTS_VALUE && pts >= *end_pts_)) {
      ended_ = true;
      return Frame{};
    }
    if (first_pts_ && pts != AV_NOPTS_VALUE && pts < *first_pts_) continue;
    ++counters_.frames;
    return deliver(std::move(holder));
  }
}

}  // namespace

Result<std::unique_ptr<Source>> open_media_source(const MediaInput& input, const SourceOptions& options) {
  route_ffmpeg_log();
  auto source = std::make_unique<FfmpegSource>(options);
  FL_CHECK(source->open(input));
  return source;
}

}  // namespace framelift
