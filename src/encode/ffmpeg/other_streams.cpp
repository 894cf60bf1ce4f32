// The streams that come with a video, in a file of their own.
#include "encode/ffmpeg/stream_copier.h"
#include "encode/output_file.h"
#include "encode/sink.h"

namespace framelift {
namespace {

// A track that says nothing but how large the pictures are.
void describe_stand_in(const SinkOptions& options, AVCodecParameters& parameters) {
  parameters.codec_type = AVMEDIA_TYPE_VIDEO;
  parameters.codec_id = AV_CODEC_ID_RAWVIDEO;
  parameters.codec_tag = MKTAG('I', '4', '2', '0');
  parameters.format = AV_PIX_FMT_YUV420P;
  parameters.width = options.width;
  parameters.height = options.height;
}

// Tags that muxers write of their own accord are no reason for a file.
bool says_something(const AVFormatContext& output) {
  if (output.nb_streams > 1 || output.nb_chapters > 0 || av_dict_count(output.metadata) > 0) return true;
  const AVDictionaryEntry* tag = nullptr;
  while ((tag = av_dict_get(output.streams[0]->metadata, "", tag, AV_DICT_IGNORE_SUFFIX))) {
    const std::string_view key = tag->key, value = tag->value;
    const bool unasked = key == "handler_name" || key == "vendor_id" || (key == "language" && value == "und");
    if (!unasked) return true;
  }
  return false;
}

// Matroska without any packet is no file to its readers.
int write_stand_in_packet(AVFormatContext& output, int stream) {
  const AvPacketPtr packet(av_packet_alloc());
  if (const int code = av_new_packet(packet.get(), 1); code < 0) return code;
  packet->data[0] = 0;
  packet->stream_index = stream;
  packet->pts = packet->dts = 0;
  packet->flags = AV_PKT_FLAG_KEY;
  return av_interleaved_write_frame(&output, packet.get());
}

Status write_all(AVFormatContext& output, StreamCopier& copier, Rational time_base, std::optional<int64_t> end_pts) {
  const auto failed = [&](int code) {
    return fail(ErrorCode::io, "{}: cannot be written ({})", output.url, av_error_text(code));
  };
  int code = avio_open(&output.pb, output.url, AVIO_FLAG_WRITE);
  if (code >= 0) code = avformat_write_header(&output, nullptr);
  if (code >= 0) code = write_stand_in_packet(output, copier.output_video().index);
  if (code < 0) return failed(code);
  if (const Status copied = end_pts ? copier.copy_until(*end_pts, to_av(time_base)) : copier.copy_rest(); !copied)
    return fail(copied.error().code, "{}: cannot be written ({})", output.url, copied.error().message);
  code = av_write_trailer(&output);
  const int stream_error = output.pb->error;
  const int closed = avio_closep(&output.pb);
  for (const int result : {code, stream_error, closed})
    if (result < 0) return failed(result);
  return {};
}

}  // namespace

Result<bool> save_other_streams(const SinkOptions& options, std::optional<int64_t> end_pts) {
  if (options.copy_streams_from.path.empty()) return false;
  route_ffmpeg_log();
  FL_TRY(OutputFile file, OutputFile::create(options.path, options.copy_streams_from.path, true));
  AVFormatContext* context = nullptr;
  if (avformat_alloc_output_context2(&context, nullptr, "matroska", ("file:" + file.temporary_path()).c_str()) < 0)
    return fail(ErrorCode::out_of_memory, "{}: no memory for the output", options.path);
  const OutputPtr output(context);
  output->flags |= AVFMT_FLAG_BITEXACT;  // no random identifiers
  FL_TRY(const auto copier, StreamCopier::open(options, *output, StreamCopier::VideoPlace::first));
  if (!says_something(*output)) return false;
  describe_stand_in(options, *copier->output_video().codecpar);
  FL_CHECK(write_all(*output, *copier, options.time_base, end_pts));
  FL_CHECK(file.commit());
  return true;
}

}  // namespace framelift
