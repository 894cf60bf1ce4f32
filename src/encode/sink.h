// Where frames go. One interface for containers, image sequences, pipes, checksums and nothing at all.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/rational.h"
#include "base/result.h"
#include "decode/source.h"
#include "frame/frame.h"
#include "frame/hdr_metadata.h"
#include "frame/picture_attributes.h"

namespace framelift {

struct SinkOptions {
  // "out.mkv", "out.png", "out.exr", "dir/%04d.png", "-" (stdout: y4m, or what `format` says), "null:" (frames are
  // dropped), "md5:FILE" or "md5:-" (FFmpeg's framemd5 text of the raw frames).
  std::string path;
  std::string format;  // force a muxer; empty: by the name
  bool overwrite = false;

  // The frames that will be written.
  int width = 0, height = 0;
  PixelFormat source_format;  // of the decoded input: the default output keeps its depth, subsampling and alpha
  ColorInfo color;            // fully specified (nothing `unspecified`), written as tags; see Sink::color()
  HdrMetadata hdr;            // static HDR metadata, written where codec and container can; stands if nothing follows
  bool hdr_follows = false;   // measured while encoding: Sink::set_hdr_metadata() comes before finish()
  // OpenEXR only: chromaticities (else those of color.primaries), white luminance, texts (the first of a name counts).
  PictureAttributes attributes;
  // OpenEXR only: the name of the plane after R, G, B (or Y) that `source_format.alpha` asks for. Other names than "A",
  // such as "confidence", are data that the colours have nothing to do with, written as they are.
  std::string alpha_channel = "A";
  Rational sample_aspect_ratio{1, 1};
  Rational time_base{1, 25};
  Rational frame_rate{25, 1};
  bool still = false;
  std::optional<std::array<int32_t, 9>> display_matrix;

  // The encoder. Empty or unset: a sensible default for the container (libx264 for 8 bits, libx265 above, VP9 in
  // WebM, ...), preset "medium", and a visually lossless CRF (17 for libx264, 19 for libx265, 22 for VP9 and AV1).
  std::string encoder;
  std::string pixel_format;  // FFmpeg's name; empty: the closest the encoder takes to source_format
  std::optional<double> crf;
  std::string bitrate;  // "4M"
  std::string preset;
  // Passed to FFmpeg as they are. OpenEXR's own: compression (zip, zips, piz, dwaa, dwab, rle, none) and type (half,
  // float).
  std::vector<std::pair<std::string, std::string>> encoder_options;
  int threads = 0;

  // Streams other than the processed video (audio, subtitles, attachments, data, other videos), chapters and
  // metadata are copied from there, packet by packet, cut to [start, start + duration). No path: none.
  OtherStreams copy_streams_from;
  // What is being processed: never the target, under any name. May be empty or something that is no file.
  std::string input_path;
  // What was taken of the input, counted from its origin (VideoInfo::origin_us): times become those after the start.
  int64_t origin_us = 0;
  double start_seconds = 0;
  double duration_seconds = 0;
};

// What was chosen, for frames as `source` gives them: their size, format, colour (what the file leaves open resolved as
// color/resolve.h does), times and what else is known of them.
SinkOptions for_frames_of(const VideoInfo& source, SinkOptions chosen);

// Not thread-safe: one thread calls write() and finish(). Output goes to a temporary name beside the target and is
// renamed by finish(); a Sink destroyed without finish() removes it.
class Sink {
 public:
  virtual ~Sink() = default;

  // What write() wants: postprocess produces exactly this, the sink converts nothing.
  virtual PixelFormat format() const = 0;
  virtual ColorInfo color() const = 0;
  // How many frames the sink may hold on to at once (encoder delay), for sizing the frame pool.
  virtual int frames_held() const = 0;

  // Sinks that show the frame before beside the frame after say so, and get it just before the write() of what was made
  // from it: as decoded, with the size, format and colour that it says itself. It may be kept as long as wanted.
  virtual bool wants_source() const { return false; }
  virtual void set_source(Frame) {}
  virtual Status write(Frame frame) = 0;
  // The job was cancelled: copied streams will end where the video ends. Call before finish().
  virtual void cut_short() {}
  // What was measured, for sinks opened with `hdr_follows`. Files get it into container and bitstream as if it had been
  // known from the start; pipes have sent their header already and go without.
  virtual void set_hdr_metadata(const HdrMetadata&) {}
  // Drains the encoder, writes the rest of the copied streams and the trailer, renames. Call once, also after a
  // cancelled job, so that what was written is playable.
  virtual Status finish() = 0;

  // For statistics: "libx264 yuv420p matroska".
  virtual std::string describe() const = 0;
};

// The streams of `options.copy_streams_from`, without the video, as a Matroska file at `options.path`, which is
// replaced: its first track stands for the video (OtherStreams) and has its tags. Times as a sink would write them.
// Streams end at `end_pts` (in options.time_base, a time of the output) if given. The same bytes each time. False:
// there was nothing to copy, and no file is made. Of the options it takes those above, and the size. Errors: io,
// invalid_data.
Result<bool> save_other_streams(const SinkOptions& options, std::optional<int64_t> end_pts);

// Whether files of this name and format can carry a display matrix (MP4, MOV); if not, the source turns the pixels.
bool can_carry_display_matrix(const std::string& path, const std::string& format);

// Checks everything that can fail before the first frame: the name, the folder, permissions, that it is not the
// input itself, the muxer, the encoder and its options. Errors: already_exists, io, not_found, unsupported,
// invalid_argument; each names the remedy.
Result<std::unique_ptr<Sink>> open_sink(const SinkOptions& options);

// Every frame of the source into the sink, until its end or until `cancel` (may be null) is requested; how many. The
// sink is not finished. `on_frame`, if given, is told the count after each. Errors: those of either.
Result<int64_t> copy_frames(Source& source, Sink& sink, const Cancellation* cancel,
                            const std::function<void(int64_t frames)>& on_frame = {});

// What makes a job's sink once it is known what will be written: open_sink, or a window, or memory.
using SinkFactory = std::function<Result<std::unique_ptr<Sink>>(const SinkOptions&)>;

// One R'G'B' picture of 8 bits (BT.709) into a picture file, as open_sink does it: PNG, JPEG, ... by the name.
Status write_picture(const std::string& path, Frame picture, bool overwrite);

}  // namespace framelift
