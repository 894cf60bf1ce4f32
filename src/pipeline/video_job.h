// One job: a network over every frame of a source into a sink.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "backend/backend.h"
#include "base/cancellation.h"
#include "base/result.h"
#include "decode/source.h"
#include "encode/sink.h"
#include "network/network.h"
#include "pipeline/mask/mask_options.h"
#include "preprocess/reduce.h"
#include "profile/profile.h"
#include "profile/statistics.h"

namespace framelift {

// Longest edge of any picture read or written; keeps every size far inside int.
inline constexpr int max_picture_edge = 1 << 17;

// How a picture becomes the network's fixed input size.
enum class Fit : uint8_t {
  letterbox,  // keeps its shape, as large as fits, between black bars
  stretch,    // fills it
};

struct Progress {
  int64_t frames = 0;
  int64_t total_frames = 0;         // 0: unknown
  double fps = 0;                   // since the first frame
  double seconds_left = -1;         // -1: unknown
  const char* limiting_stage = "";  // empty: there are no stages
};

struct VideoJob {
  SourceOptions source;
  // Path, format, encoder and overwrite; texts of `attributes`, which go before the source's; and `hdr` to replace what
  // would be measured or assumed of PQ that the network makes. The rest is filled in from the source and the network.
  SinkOptions sink;
  bool copy_streams = true;
  SourceFactory make_source = open_source;
  SinkFactory make_sink = open_sink;  // somewhere else than into a file: a window, memory

  const Network* network = nullptr;  // not owned; outlives the job
  Backend* backend = nullptr;
  CompileOptions compile;

  int tile = 0;  // longest side of a tile in input pixels; 0: as large as memory allows
  // Input pixels that neighbouring tiles share, blending over the middle half; 0: tiles carry the receptive field, and
  // the result equals the untiled one; below 0: what the network's contract says, unless the receptive field is
  // smaller.
  int overlap = -1;
  int64_t memory_bytes = 0;  // for the network's activations; 0: half of what is free
  // Sizes, in pixels (pipeline/size_plan.h has what follows from them).
  int max_input_width = 0, max_input_height = 0;  // the picture is reduced to fit before the network; 0: no limit
  // The network's input, fixed; 0: the only one of a network for masks, else the picture's size within the limits.
  int input_width = 0, input_height = 0;
  Fit fit = Fit::letterbox;           // how the picture comes to the fixed size
  bool keep_bars = false;             // letterbox: the output has the bars too; else they are cut off again
  double scale = 0;                   // output size / source size; 0: whatever the network makes of its input
  int max_width = 0, max_height = 0;  // the output is reduced to fit, keeping its shape; 0: no limit
  // For networks that look at the whole frame: how it is reduced, and how steady the result is kept over time
  // (Stabiliser in pipeline/frame_network.h; 0: each frame by itself).
  Reduction frame_reduction = Reduction::bicubic;
  float stabilise = 0;
  // For networks that make HDR: HLG for a display of `peak_nits` cd/m2 instead of PQ.
  bool hlg = false;
  double peak_nits = 1000;
  // For networks that make linear light: the sink's pictures get the plane "confidence" (postprocess/confidence.h) in
  // place of alpha.
  bool confidence = false;
  // For networks that find classes, which need it: what to make of them.
  std::optional<MaskOptions> mask;
  bool force = false;  // process HDR or wide-gamut input with a network made for SDR all the same

  int prefetch = 4;  // decoded frames waiting
  int warm_up = 0;   // runs of the network on a gray picture before the first frame, not measured

  // Frames a second that late frames are judged by; 0: the source's own rate.
  double target_fps = 0;
  int timing_interval = 0;                               // frames between two calls of on_timing; 0: never
  std::function<void(const IntervalReport&)> on_timing;  // called on the encode thread

  // Filled in while the job runs, and complete when it is; see profile/profile.h. Null: nothing is recorded.
  Profile* profile = nullptr;

  // Tiles in one run of the network, of one frame or of successive ones; 0: one, or with a tuning what is fastest.
  int batch = 0;
  // The network's streams, threads and batch are those that are fastest here (tune() in pipeline/tuning/tuner.h), which
  // this file remembers; an empty path: nothing does. Nothing: as `compile` and `batch` say.
  std::optional<std::filesystem::path> tuning_file;

  const Cancellation* cancel = nullptr;              // checked between frames; the output stays playable
  std::function<void(const Progress&)> on_progress;  // called on the encode thread after each frame
};

// Runs the whole job on its own threads and returns when the output is complete under its final name.
// A job that runs out of memory begins again with smaller tiles, where source and output allow. On failure nothing is
// left under that name. A cancelled job that wrote at least one frame is a success whose report
// says so; with no frame written it fails with `cancelled`.
Result<JobReport> process_video(const VideoJob& job);

// What the job would do, a line each: input, network, tiles, output, memory. Everything is opened and compiled, no
// frame is read, and nothing is left behind. Errors: as process_video.
Result<std::string> describe_job(const VideoJob& job);

}  // namespace framelift
