// Where frames come from. One interface for containers, image sequences, pipes and generators.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/cancellation.h"
#include "base/rational.h"
#include "base/result.h"
#include "frame/frame.h"
#include "frame/hdr_metadata.h"
#include "frame/picture_attributes.h"

namespace framelift {

// Where the streams that come with a video can be read: audio, subtitles, attachments, chapters, metadata.
struct OtherStreams {
  std::string path;  // empty: there are none (pipes, pictures)
  // 0 bytes: the whole file is a container, and the video is in it. Otherwise this part of it is a Matroska file, whose
  // first track stands for the video: what is in it means nothing.
  uint64_t offset = 0, bytes = 0;
  std::function<Status()> check;  // whether that part is undamaged, which takes reading it; empty: nobody knows
};

struct VideoInfo {
  int width = 0, height = 0;           // of the frames that next() returns
  PixelFormat format;                  // of the frames that next() returns
  ColorInfo color;                     // as tagged; nothing guessed
  HdrMetadata hdr;                     // static HDR metadata of the stream or its first frame
  PictureAttributes attributes;        // what else the file says
  Rational sample_aspect_ratio{1, 1};  // 0/1 when the file does not say
  Rational time_base{1, 25};
  Rational frame_rate{25, 1};   // nominal or average; 0/1 when unknown
  int64_t origin_us = 0;        // microseconds: where the file's times begin, and SourceOptions::start_seconds counts
  int64_t frame_count = 0;      // estimate; 0 when unknown
  double duration_seconds = 0;  // 0 when unknown
  bool still = false;           // one picture, not a video
  bool interlaced = false;      // detected, and being deinterlaced
  // Display matrix as in ISO 14496-12 / AV_PKT_DATA_DISPLAYMATRIX when the file asks for rotation or mirroring and
  // the frames are NOT yet turned.
  std::optional<std::array<int32_t, 9>> display_matrix;
  std::string container;  // "mov,mp4", "matroska", "image2", ...
  std::string codec;      // "h264", "png", ...
  OtherStreams other_streams;
};

// The time, in `time_base`, of the instant that lies so many seconds after VideoInfo::origin_us. Whoever drops frames
// before the start and whoever shifts times by it must round alike.
int64_t start_in_time_base(int64_t origin_us, double start_seconds, Rational time_base);

enum class Deinterlace : uint8_t { automatic, off, on };

struct SourceOptions {
  std::string path;    // file, "dir/%04d.png", "dir/*.png", "-" (stdin: y4m or what `format` says)
  std::string format;  // force a demuxer: "rawvideo", "yuv4mpegpipe", ...; empty: by content
  // For rawvideo only.
  int raw_width = 0, raw_height = 0;
  std::string raw_pixel_format;
  Rational raw_frame_rate{25, 1};
  Rational sequence_frame_rate{25, 1};  // image sequences
  double start_seconds = 0;
  double duration_seconds = 0;  // 0: to the end
  int64_t max_frames = 0;       // 0: all
  Deinterlace deinterlace = Deinterlace::automatic;
  bool apply_rotation = false;  // turn the pixels upright (when the output cannot carry a display matrix)
  int threads = 0;              // decoder threads; 0: FFmpeg's choice
};

struct SourceCounters {
  int64_t frames = 0;           // delivered
  int64_t damaged_packets = 0;  // could not be decoded and were skipped
};

// Not thread-safe: one thread calls next().
class Source {
 public:
  virtual ~Source() = default;
  virtual const VideoInfo& info() const = 0;
  // The next frame in presentation order; an empty Frame at the end (and ever after). The frame may be kept as long
  // as wanted. Damaged packets are skipped and counted, not errors; a frame whose size or format differs from info()
  // is converted to it.
  virtual Result<Frame> next() = 0;
  // next() goes on, also after the end, with the first frame at `pts` (in VideoInfo::time_base) or later of those that
  // the options chose. Only where can_seek() says so: not pipes, and not with SourceOptions::max_frames, which counts
  // from the first frame. Errors: io, invalid_data.
  virtual bool can_seek() const { return false; }
  virtual Status seek(int64_t pts);
  virtual SourceCounters counters() const = 0;
};

// What makes a job's source: open_source, or one that wraps it.
using SourceFactory = std::function<Result<std::unique_ptr<Source>>(const SourceOptions&)>;

// Opens, probes and finds the video stream. Errors: not_found, invalid_data (no video stream, unreadable, empty),
// unsupported (no decoder), invalid_argument.
Result<std::unique_ptr<Source>> open_source(const SourceOptions& options);

// Files that begin with `signature` and that FFmpeg knows nothing of: what reads them lies in a layer below.
struct SourceKind {
  std::array<uint8_t, 8> signature{};
  Result<std::unique_ptr<Source>> (*open)(const SourceOptions& options) = nullptr;
};
// From now on open_source() opens such files too. Not thread-safe: for the start of a program.
void register_source_kind(const SourceKind& kind);
// Whether a path is a file of a kind that was registered.
bool is_registered_kind(const std::string& path);

}  // namespace framelift
