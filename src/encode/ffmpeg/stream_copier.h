// Everything of the input that is not the processed video: audio, subtitles, attachments, chapters, metadata.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "decode/ffmpeg/ffmpeg.h"
#include "encode/ffmpeg/subtitle_transcoder.h"

namespace framelift {

// Reads the input a second time, by its own demuxer, and passes packets on unchanged. It never reads further than the
// video has come, so that memory stays flat and the output is interleaved.
class StreamCopier {
 public:
  // Adds the input's streams to `output` (before its header is written), in the input's order, with the processed
  // video among them. What the container cannot hold is converted (text subtitles) or left out with a warning. Null
  // when the file is no container.
  static Result<std::unique_ptr<StreamCopier>> open(const std::string& path, AVFormatContext& output,
                                                    double start_seconds, double duration_seconds);

  // The processed video: in the input, and its place in the output.
  const AVStream& input_video() const { return *input_->streams[video_index_]; }
  AVStream& output_video() const { return *output_video_; }
  // What has to be subtracted from the input's timestamps because of --start.
  int64_t shift(AVRational time_base) const;

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

  StreamCopier(AVFormatContext& output, std::string path, double start_seconds, double duration_seconds);
  void add_streams();
  bool add_stream(const AVStream& in, Track& track);
  bool add_cover(const AVStream& in, Track& track);
  void leave_out(const AVStream& in, const std::string& reason) const;
  void copy_metadata();
  void copy_chapters();
  bool read_next();
  bool cut(const AVStream& in, Track& track, AVPacket& packet) const;
  Status write_pending();

  AVFormatContext& output_;
  std::string path_;
  double start_seconds_, duration_seconds_;
  InputPtr input_;
  int video_index_ = -1;
  AVStream* output_video_ = nullptr;
  std::vector<Track> tracks_;
  AvPacketPtr pending_{av_packet_alloc()};
  bool has_pending_ = false, ended_ = false;
};

}  // namespace framelift
