#include "encode/ffmpeg/ffmpeg_sink.h"

extern "C" {
#include <libavutil/mastering_display_metadata.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <string_view>
#include <vector>

#include "base/allocation_counter.h"
#include "base/log.h"
#include "color/transfer.h"
#include "decode/ffmpeg/pixel_layout.h"
#include "encode/ffmpeg/encoder_settings.h"
#include "encode/ffmpeg/frame_lender.h"
#include "encode/ffmpeg/packet_spool.h"
#include "encode/ffmpeg/packet_times.h"
#include "encode/ffmpeg/stream_copier.h"
#include "encode/hdr_bitstream.h"

namespace framelift {
namespace {

// A clock in which start offsets of the video and of audio streams are whole numbers, if there is a reasonable one.
int movie_timescale(const AVFormatContext& output, int video_timescale) {
  constexpr int64_t largest = 10'000'000;
  int64_t scale = video_timescale;
  for (unsigned i = 0; i < output.nb_streams; ++i)
    if (const int rate = output.streams[i]->codecpar->sample_rate; rate > 0)
      if (const int64_t both = std::lcm<int64_t>(scale, rate); both <= largest) scale = both;
  return static_cast<int>(std::clamp<int64_t>(scale, 1000, largest));
}

// Codecs whose stream itself can carry static HDR metadata.
std::optional<HdrBitstream> hdr_bitstream(AVCodecID codec) {
  switch (codec) {
    case AV_CODEC_ID_HEVC: return HdrBitstream::hevc;
    case AV_CODEC_ID_H264: return HdrBitstream::h264;
    case AV_CODEC_ID_AV1: return HdrBitstream::av1;
    default: return std::nullopt;
  }
}

class FfmpegSink final : public Sink {
 public:
  FfmpegSink(const SinkOptions& options, OutputTarget target) : options_(options), target_(std::move(target)) {}
  ~FfmpegSink() override = default;

  Status open();
  PixelFormat format() const override { return choice_.format; }
  ColorInfo color() const override { return choice_.color; }
  int frames_held() const override;
  Status write(Frame frame) override;
  void cut_short() override { cut_short_ = true; }
  void set_hdr_metadata(const HdrMetadata& metadata) override { options_.hdr = metadata; }
  Status finish() override;
  std::string describe() const override;

 private:
  bool is(std::string_view muxer) const { return muxer == output_->oformat->name; }
  bool is_mov_family() const { return is("mp4") || is("mov") || is("ipod") || is("3gp") || is("ismv"); }
  bool copies_streams() const;
  Status open_container();
  Status plan_hdr_metadata();
  Status add_video_stream();
  void add_hdr_side_data();
  Status init_output();
  Status write_header();
  Status header_result(int code) const;
  Status pack(const Frame& frame);
  Status encode(AVFrame* frame);
  Status write_packet();
  Status mux(AVPacket& packet);
  Status mux_spooled();
  Status rewrite_packet(AVPacket& packet);
  Status replace_data(AVPacket& packet);
  tl::unexpected<Error> write_error(int code) const;

  SinkOptions options_;
  OutputTarget target_;  // before output_: the temporary file is removed only after it is closed
  OutputPtr output_;
  EncoderChoice choice_;
  CodecContextPtr encoder_;
  bool counts_frames_ = false;
  bool is_x265_ = false;
  AVStream* video_ = nullptr;
  std::unique_ptr<StreamCopier> copier_;
  int64_t shift_ = 0;  // of --start, in options_.time_base

  // With options_.hdr_follows the header has to wait for the last frame. Until then packets go to a spool, and finish()
  // passes them on as if they came from the encoder: so nothing else about the file differs.
  std::optional<PacketSpool> spool_;
  // Whose packets get the metadata. The encoders themselves are told nothing: one way for all of them.
  std::optional<HdrBitstream> bitstream_;
  std::vector<uint8_t> rewritten_;

  FrameLender lender_;
  AvFramePtr frame_{av_frame_alloc()};
  std::vector<AvFramePtr> packed_;  // ours, lent to the encoder while it holds a reference
  AvPacketPtr packet_{av_packet_alloc()};
  PacketTimes times_;
  int64_t nominal_duration_ = 1;  // of a frame, in options_.time_base
  int64_t next_pts_ = 0;
  int64_t last_pts_ = AV_NOPTS_VALUE;
  int64_t last_video_dts_ = AV_NOPTS_VALUE;  // in the video stream's time base
  int64_t packets_written_ = 0;
  bool time_fix_logged_ = false;
  bool cut_short_ = false;
};

Status FfmpegSink::open() {
  FL_CHECK(open_container());
  FL_TRY(choice_, choose_encoder(options_, *output_->oformat));
  FL_TRY(auto encoder, open_encoder(options_, choice_, *output_->oformat));
  encoder_ = std::move(encoder.context);
  counts_frames_ = encoder.counts_frames;
  is_x265_ = std::string_view(encoder_->codec->name) == "libx265";
  if (copies_streams()) {
    FL_TRY(copier_, StreamCopier::open(options_, *output_, StreamCopier::VideoPlace::as_in_input));
  }
  if (options_.start_seconds > 0)
    shift_ = start_in_time_base(options_.origin_us, options_.start_seconds, options_.time_base);
  if (options_.frame_rate.num > 0)
    nominal_duration_ =
        std::max<int64_t>(1, av_rescale_q(1, av_inv_q(to_av(options_.frame_rate)), to_av(options_.time_base)));
  FL_CHECK(plan_hdr_metadata());
  FL_CHECK(add_video_stream());
  FL_CHECK(init_output());
  return spool_ ? Status{} : write_header();
}

Status FfmpegSink::plan_hdr_metadata() {
  if (is("framemd5")) return {};
  if (is_hdr(choice_.color.transfer) && (is("yuv4mpegpipe") || is("rawvideo")))
    log::warn("{}: {} has no colour tags, so readers have to be told of {} and BT.2020; --format matroska carries them",
              target_.path, output_->oformat->name, hdr_name(choice_.color.transfer));
  const bool in_container = is_mov_family() || is("matroska") || is("webm");
  const auto bitstream = hdr_bitstream(encoder_->codec_id);
  if (options_.hdr.mastering_display || options_.hdr.content_light) bitstream_ = bitstream;
  if (!options_.hdr_follows || !(in_container || bitstream)) return {};
  if (target_.kind != OutputTarget::Kind::file || target_.file.writes_through()) {
    log::warn(
        "{}: is sent as it is made, so what is measured of it (mastering display, MaxCLL and MaxFALL) is left out; "
        "write to a file, or give --mastering-display and --max-cll",
        target_.path);
    return {};
  }
  bitstream_ = bitstream;
  FL_TRY(spool_, PacketSpool::create(std::filesystem::path(target_.file.temporary_path()).parent_path().string()));
  return {};
}

Status FfmpegSink::open_container() {
  const std::string wanted = target_.muxer.empty() ? options_.format : target_.muxer;
  const AVOutputFormat* muxer = find_muxer(target_.path, wanted);
  if (!muxer && wanted.empty())
    return fail(ErrorCode::invalid_argument,
                "{}: the file kind is unknown; use a name that ends in .mkv, .mp4, .webm, "
                ".mov, .png, .jpg or .tif, or name the format",
                target_.path);
  if (!muxer)
    return fail(ErrorCode::invalid_argument, "FFmpeg has no output format named \"{}\" (ffmpeg -muxers lists them)",
                wanted);
  const std::string url = target_.kind == OutputTarget::Kind::pipe   ? "pipe:1"
                          : target_.kind == OutputTarget::Kind::file ? target_.file.temporary_path()
                                                                     : target_.path;
  AVFormatContext* context = nullptr;
  if (avformat_alloc_output_context2(&context, muxer, nullptr, url.c_str()) < 0)
    return fail(ErrorCode::out_of_memory, "{}: no memory for the output", target_.path);
  output_.reset(context);
  target_.one_picture = is("image2") && target_.kind == OutputTarget::Kind::file;
  if (muxer->flags & AVFMT_NOFILE) return {};
  const std::string file_url = target_.kind == OutputTarget::Kind::pipe ? url : "file:" + url;
  const int code = avio_open(&context->pb, file_url.c_str(), AVIO_FLAG_WRITE);
  if (code < 0) return fail(ErrorCode::io, "{}: cannot be written ({})", target_.path, av_error_text(code));
  return {};
}

bool FfmpegSink::copies_streams() const {
  if (options_.copy_streams_from.path.empty() || is("framemd5") || is("image2")) return false;
  const AVOutputFormat& muxer = *output_->oformat;
  return muxer.audio_codec != AV_CODEC_ID_NONE || muxer.subtitle_codec != AV_CODEC_ID_NONE;
}

Status FfmpegSink::add_video_stream() {
  video_ = copier_ ? &copier_->output_video() : avformat_new_stream(output_.get(), nullptr);
  if (!video_ || avcodec_parameters_from_context(video_->codecpar, encoder_.get()) < 0)
    return fail(ErrorCode::out_of_memory, "{}: no memory for the video stream", target_.path);
  if (bitstream_) {
    AVCodecParameters& parameters = *video_->codecpar;
    rewrite_hdr_metadata(*bitstream_, {parameters.extradata, static_cast<size_t>(parameters.extradata_size)}, {},
                         rewritten_);  // without metadata it can only become shorter
    std::ranges::copy(rewritten_, parameters.extradata);
    parameters.extradata_size = static_cast<int>(rewritten_.size());
  }
  video_->time_base = to_av(options_.time_base);
  video_->avg_frame_rate = encoder_->framerate;
  video_->sample_aspect_ratio = encoder_->sample_aspect_ratio;
  if (options_.display_matrix) {
    const auto& matrix = *options_.display_matrix;
    if (uint8_t* data = av_stream_new_side_data(video_, AV_PKT_DATA_DISPLAYMATRIX, sizeof matrix))
      std::memcpy(data, matrix.data(), sizeof matrix);
  }
  return {};
}

void FfmpegSink::add_hdr_side_data() {
  if (const auto& display = options_.hdr.mastering_display) {
    AVMasteringDisplayMetadata* metadata = av_mastering_display_metadata_alloc();
    const auto fixed = [](double value, int scale) {
      return av_make_q(static_cast<int>(std::lround(value * scale)), scale);
    };
    for (size_t i = 0; i < 3; ++i)
      for (size_t j = 0; j < 2; ++j) metadata->display_primaries[i][j] = fixed(display->primaries[i][j], 50000);
    for (size_t j = 0; j < 2; ++j) metadata->white_point[j] = fixed(display->white_point[j], 50000);
    metadata->min_luminance = fixed(display->min_nits, 10000);
    metadata->max_luminance = fixed(display->max_nits, 10000);
    metadata->has_primaries = metadata->has_luminance = 1;
    av_stream_add_side_data(video_, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, reinterpret_cast<uint8_t*>(metadata),
                            sizeof *metadata);
  }
  if (const auto& light = options_.hdr.content_light) {
    size_t size = 0;
    AVContentLightMetadata* metadata = av_content_light_metadata_alloc(&size);
    metadata->MaxCLL = static_cast<unsigned>(light->max_content_nits);
    metadata->MaxFALL = static_cast<unsigned>(light->max_frame_average_nits);
    av_stream_add_side_data(video_, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, reinterpret_cast<uint8_t*>(metadata), size);
  }
}

// Finds out whether the container can hold all this; nothing is written yet.
Status FfmpegSink::init_output() {
  AvDictionary settings;
  if (is_mov_family()) {
    settings.set("movflags", "+faststart");
    // The input's own clock, so that no time is rounded; start offsets are stored in the clock of the movie.
    const AVRational base = to_av(options_.time_base);
    const int timescale = base.den % base.num == 0 ? base.den / base.num : base.den;
    settings.set("video_track_timescale", std::to_string(timescale));
    settings.set("movie_timescale", std::to_string(movie_timescale(*output_, timescale)));
  }
  if (target_.one_picture) settings.set("update", "1");
  if (is("yuv4mpegpipe")) settings.set("strict", "-1");
  clear_ffmpeg_error();
  return header_result(avformat_init_output(output_.get(), &settings));
}

Status FfmpegSink::write_header() {
  add_hdr_side_data();
  clear_ffmpeg_error();
  return header_result(avformat_write_header(output_.get(), nullptr));
}

Status FfmpegSink::header_result(int code) const {
  if (code >= 0) return {};
  if (code == AVERROR(ENOSPC)) return write_error(code);
  const std::string detail = last_ffmpeg_error();
  return fail(code == AVERROR(EINVAL) ? ErrorCode::unsupported : ErrorCode::io,
              "{}: a {} file cannot hold this ({}{}{})", target_.path, output_->oformat->name, av_error_text(code),
              detail.empty() ? "" : ": ", detail);
}

int FfmpegSink::frames_held() const {
  // Encoders copy what they keep, except that FFmpeg's frame threads each hold a frame.
  const bool threads = (encoder_->codec->capabilities & AV_CODEC_CAP_FRAME_THREADS) && encoder_->thread_count > 1;
  return 2 + (threads ? encoder_->thread_count : 0);
}

std::string FfmpegSink::describe() const {
  return fmt::format("{} {} {}", encoder_->codec->name, av_get_pix_fmt_name(choice_.av_format), output_->oformat->name);
}

tl::unexpected<Error> FfmpegSink::write_error(int code) const {
  if (code == AVERROR(ENOSPC))
    return fail(ErrorCode::io, "{}: no space left on the disk; free some space or write elsewhere", target_.path);
  if (code == AVERROR(EPIPE)) return fail(ErrorCode::io, "{}: the reading program has gone", target_.path);
  return fail(ErrorCode::io, "{}: cannot be written ({})", target_.path, av_error_text(code));
}

// Interleaves the samples into a picture of the encoder's format, in `frame_`.
Status FfmpegSink::pack(const Frame& frame) {
  AVFrame* free = nullptr;
  for (const AvFramePtr& candidate : packed_)
    if (av_frame_is_writable(candidate.get())) free = candidate.get();
  if (!free) {
    free = packed_.emplace_back(av_frame_alloc()).get();
    free->format = choice_.av_format;
    free->width = frame.width;
    free->height = frame.height;
    if (av_frame_get_buffer(free, 0) < 0)
      return fail(ErrorCode::out_of_memory, "{}: no memory for a frame", target_.path);
  }
  pack_planes(frame, *free);
  ForeignScope foreign;
  if (av_frame_ref(frame_.get(), free) < 0)
    return fail(ErrorCode::out_of_memory, "{}: no memory for a frame", target_.path);
  return {};
}

Status FfmpegSink::write(Frame frame) {
  if (frame.width != options_.width || frame.height != options_.height || !(frame.format == choice_.format))
    return fail(ErrorCode::internal, "{}: got a {}x{} {} frame instead of {}x{} {}", target_.path, frame.width,
                frame.height, to_string(frame.format), options_.width, options_.height, to_string(choice_.format));
  if (target_.one_picture && times_.count() > 0) {
    const size_t dot = target_.path.rfind('.');
    return fail(ErrorCode::invalid_argument,
                "{}: one picture file cannot hold several frames; use a name like {}_%04d{}, a video name such as "
                "out.mkv, or --frames 1",
                target_.path, target_.path.substr(0, dot), target_.path.substr(dot));
  }

  int64_t pts = frame.pts ? *frame.pts - shift_ : next_pts_;
  if (last_pts_ != AV_NOPTS_VALUE && pts <= last_pts_) {
    if (!time_fix_logged_) log::warn("{}: frame times do not increase; they are moved by one tick", target_.path);
    time_fix_logged_ = true;
    pts = last_pts_ + 1;
  }
  last_pts_ = pts;
  next_pts_ = pts + (frame.duration > 0 ? frame.duration : nominal_duration_);
  const int64_t index = times_.count();
  const int64_t duration = frame.duration;
  times_.add(pts, duration);

  if (choice_.packed)
    FL_CHECK(pack(frame));
  else
    FL_CHECK(lender_.lend(std::move(frame), choice_.av_format, *frame_));
  frame_->pts = counts_frames_ ? index : pts;
  frame_->pkt_duration = counts_frames_ ? 1 : duration;
  frame_->sample_aspect_ratio = encoder_->sample_aspect_ratio;
  set_color(*frame_, choice_.color);
  return encode(frame_.get());
}

// Sends a frame, or null to drain, and writes what comes out.
Status FfmpegSink::encode(AVFrame* frame) {
  ForeignScope foreign;
  int code = avcodec_send_frame(encoder_.get(), frame);
  if (frame) av_frame_unref(frame);
  if (code < 0 && code != AVERROR_EOF)
    return fail(ErrorCode::io, "{}: encoder {} failed ({})", target_.path, encoder_->codec->name, av_error_text(code));
  for (;;) {
    code = avcodec_receive_packet(encoder_.get(), packet_.get());
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return {};
    if (code < 0)
      return fail(ErrorCode::io, "{}: encoder {} failed ({})", target_.path, encoder_->codec->name,
                  av_error_text(code));
    FL_CHECK(write_packet());
  }
}

Status FfmpegSink::write_packet() {
  AVPacket& packet = *packet_;
  // libx265 leaves decoding times undefined in clips shorter than its delay, so they are counted here: packet n is
  // decoded when frame n is shown, less the depth of reordering, which is at most 2 in x265 (pyramid of B-frames).
  constexpr int64_t x265_reordering = 2;
  if (is_x265_)
    packet.dts = times_.pts_of_index(packets_written_ - x265_reordering);
  else if (packet.dts == AV_NOPTS_VALUE)
    packet.dts = packet.pts;
  ++packets_written_;
  if (counts_frames_) {
    packet.pts = times_.pts_of_index(packet.pts);
    packet.dts = times_.pts_of_index(packet.dts);
  }
  packet.duration = times_.duration(packet.pts);
  if (packet.duration <= 0) packet.duration = nominal_duration_;
  if (encoder_->codec_id == AV_CODEC_ID_PNG && is_hdr(choice_.color.transfer)) {
    if (insert_png_cicp({packet.data, static_cast<size_t>(packet.size)}, choice_.color, rewritten_))
      FL_CHECK(replace_data(packet));
  }
  if (!spool_) return mux(packet);
  const int code = spool_->write(packet);
  av_packet_unref(&packet);
  return code < 0 ? write_error(code) : Status{};
}

// Takes a packet with its times in options_.time_base, and copied streams up to it.
Status FfmpegSink::mux(AVPacket& packet) {
  if (bitstream_) FL_CHECK(rewrite_packet(packet));
  packet.stream_index = video_->index;
  av_packet_rescale_ts(&packet, to_av(options_.time_base), video_->time_base);
  // A coarser clock (Matroska counts milliseconds) may round two decoding times onto one.
  const bool strict = !(output_->oformat->flags & AVFMT_TS_NONSTRICT);
  if (last_video_dts_ != AV_NOPTS_VALUE) packet.dts = std::max(packet.dts, last_video_dts_ + (strict ? 1 : 0));
  if (packet.dts > packet.pts) packet.dts = packet.pts;
  last_video_dts_ = packet.dts;
  const int64_t dts = packet.dts;
  const int code = av_interleaved_write_frame(output_.get(), &packet);
  if (code < 0) return write_error(code);
  if (!copier_) return {};
  auto copied = copier_->copy_until(dts, video_->time_base);
  if (!copied) return fail(copied.error().code, "{}: cannot be written ({})", target_.path, copied.error().message);
  return {};
}

// Writes everything that has waited for the metadata.
Status FfmpegSink::mux_spooled() {
  ForeignScope foreign;
  FL_CHECK(write_header());
  int code = spool_->rewind();
  while (code >= 0) {
    code = spool_->read(*packet_);
    if (code <= 0) break;
    FL_CHECK(mux(*packet_));
  }
  if (code < 0) return write_error(code);
  spool_.reset();
  return {};
}

Status FfmpegSink::rewrite_packet(AVPacket& packet) {
  // Only where decoding can begin; it holds until the next such place.
  const bool key = packet.flags & AV_PKT_FLAG_KEY;
  const bool has_metadata = options_.hdr.mastering_display || options_.hdr.content_light;
  const bool written = rewrite_hdr_metadata(*bitstream_, {packet.data, static_cast<size_t>(packet.size)},
                                            key ? options_.hdr : HdrMetadata{}, rewritten_);
  if (key && has_metadata && !written) {
    log::warn("{}: the stream of {} takes no HDR metadata; the container alone carries it", target_.path,
              encoder_->codec->name);
    bitstream_.reset();
    return {};
  }
  return replace_data(packet);
}

// With what is in `rewritten_`.
Status FfmpegSink::replace_data(AVPacket& packet) {
  const int size = static_cast<int>(rewritten_.size());
  if (size < packet.size) av_shrink_packet(&packet, size);
  if (size > packet.size && av_grow_packet(&packet, size - packet.size) < 0)
    return fail(ErrorCode::out_of_memory, "{}: no memory for a packet", target_.path);
  std::ranges::copy(rewritten_, packet.data);
  return {};
}

Status FfmpegSink::finish() {
  FL_CHECK(encode(nullptr));
  if (times_.count() == 0)
    return fail(ErrorCode::invalid_data, "{}: no frame was written, so no file is kept", target_.path);
  if (spool_) FL_CHECK(mux_spooled());
  if (copier_) {
    auto copied = cut_short_ ? copier_->copy_until(next_pts_, to_av(options_.time_base)) : copier_->copy_rest();
    if (!copied) return fail(copied.error().code, "{}: cannot be written ({})", target_.path, copied.error().message);
  }
  int code = av_write_trailer(output_.get());
  if (code < 0) return write_error(code);
  if (!(output_->oformat->flags & AVFMT_NOFILE)) {
    const int stream_error = output_->pb->error;
    code = avio_closep(&output_->pb);
    if (stream_error < 0) code = stream_error;
    if (code < 0) return write_error(code);
  }
  return target_.kind == OutputTarget::Kind::file ? target_.file.commit() : Status{};
}

}  // namespace

Result<std::unique_ptr<Sink>> open_ffmpeg_sink(const SinkOptions& options, OutputTarget target) {
  route_ffmpeg_log();
  auto sink = std::make_unique<FfmpegSink>(options, std::move(target));
  FL_CHECK(sink->open());
  return sink;
}

}  // namespace framelift
