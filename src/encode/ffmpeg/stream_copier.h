// Everything of the input that is not the processed video: audio, subtitles, attachments, chapters, metadata.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "decode/ffmpeg/ffmpeg.h"
#include "encode/ffmpeg/subtitle_transcoder.h"
#include "encode/sink.h"

namespace framelift {

// Reads the input a second time, by its own demuxer, and passes packets on unchanged. It never reads further than the
// video has come, so that memory stays flat and the output is interleaved.
class StreamCopier {
 public:
  // Where the processed video goes among the output's streams.
  enum class VideoPlace { as_in_input, first };

  // Adds the streams of `options.copy_streams_from` to `output` (before its header is written), in the input's order,
  // with the processed video among them. What the container cannot hold is converted (text subtitles) or left out with
  // a warning. Of the options it takes that place, the origin, the start and the duration. Errors: io, invalid_data
  // (also what OtherStreams::check says).
  static Result<std::unique_ptr<StreamCopier>> open(const SinkOptions& options, AVFormatContext& output,
                                                    VideoPlace place);

  AVStream& output_video() const { return *output_video_; }

  // Writes all packets up to `time`, which is a time of the output.
  Status copy_until(int64_t time, AVRational time_base);
  Status copy_rest();

 private:
  struct Track {
    AVStream* output = nullptr;  // null: not copied
    std::unique_ptr<SubtitleTranscoder> transcoder;
    int64_t last_dts = AV_NOPTS_VALUE;  // in the output's time base
    int64_t next_dts = 0;               // in the input's time base, for packets without a time
    int64_t rescale_state = AV_NOPTS_VALUE;
    bool waiting_for_key = false;
  };

  StreamCopier(const SinkOptions& options, AVFormatContext& output)
      : output_(output),
        from_(options.copy_streams_from),
        origin_us_(options.origin_us),
        start_seconds_(options.start_seconds),
        duration_seconds_(options.duration_seconds) {}
  Status open_input();
  // The time of an instant so long after the origin.
  int64_t time_of(double seconds, AVRational time_base) const;
  void add_streams(VideoPlace place);
  AVStream* add_video();
  bool add_stream(const AVStream& in, Track& track);
  bool add_cover(const AVStream& in, Track& track);
  void leave_out(const AVStream& in, const std::string& reason) const;
  void copy_metadata();
  void copy_chapters();
  bool read_next();
  bool cut(const AVStream& in, Track& track, AVPacket& packet) const;
  Status write_pending();

  AVFormatContext& output_;
  OtherStreams from_;
  int64_t origin_us_;
  double start_seconds_, duration_seconds_;
  InputPtr input_;
  int video_index_ = -1;
  AVStream* output_video_ = nullptr;
  std::vector<Track> tracks_;
  AvPacketPtr pending_{av_packet_alloc()};
  bool has_pending_ = false, ended_ = false;
};

}  // namespace framelift
