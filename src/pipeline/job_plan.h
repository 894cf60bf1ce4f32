// Everything that is decided before the first frame: colours, sizes, tiles, memory.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "backend/backend.h"
#include "pipeline/frame_network.h"
#include "pipeline/mask/frame_mask.h"
#include "pipeline/size_plan.h"
#include "pipeline/tiler.h"
#include "pipeline/video_job.h"
#include "postprocess/frame_confidence.h"
#include "postprocess/light_levels.h"
#include "postprocess/resize.h"
#include "postprocess/tensor_to_frame.h"

namespace framelift {

// Sizes of one eye's picture where frames hold two, but the output's, which is the frames'.
struct JobPlan : SizePlan {
  EyeLayout eyes = EyeLayout::one;
  int wrap = 0;  // columns from its other side that an eye's picture has at either side, in source pixels
  ResizeFilter input_filter = ResizeFilter::lanczos;  // from the source to the size that the network sees
  int64_t frames = 0;                                 // of the job; a great many where nobody knows
  ColorInfo input_color;                              // the source's, nothing unspecified
  SinkOptions sink;                                   // complete
};

// Colours, sizes and tags. Errors: sizes that no encoder takes.
Result<JobPlan> plan_job(const VideoJob& job, const VideoInfo& input);

// The source's pictures as they enter the reader: of the picture's size (JobPlan::picture), at full chroma resolution
// and depth when they have been resized.
PictureLayout picture_layout(const JobPlan& plan, const VideoInfo& input);

// How those frames become the network's input, black where it has bars. Only what the file says of its colours is
// converted; what it leaves unsaid counts as what the network expects.
Result<PictureReader> plan_reader(const VideoJob& job, const JobPlan& plan, const VideoInfo& input);

// How the network's output becomes the sink's frames.
struct PictureWriter {
  float gain = 1;                         // of the network's output, first of all
  std::optional<ColorConverter> convert;  // in place on the network's output
  TensorToFrame to_frame;
  PixelFormat network_format;                 // of the pictures that to_frame writes
  std::optional<Resizer> resizer;             // from those to the sink's frames, when their sizes differ
  std::optional<LightMeter> light;            // of the sink's frames, where the network makes PQ
  std::optional<PlaneResizer> alpha;          // from the source's alpha plane to the sink's, when both have one
  std::optional<FrameConfidence> confidence;  // instead, where the job asks for it
  std::optional<FrameMask> mask;              // instead of everything else, of networks that find classes
};
Result<PictureWriter> plan_writer(const VideoJob& job, const JobPlan& plan, const VideoInfo& input, const Sink& sink);

// The compiled network for one tile size, with all its requests: one for each of the engine's streams, and two more so
// that a stream never waits while one result is read out and the next tile is filled in.
struct TiledNetwork {
  TilePlan tiles;
  int batch = 1;  // tiles in one run, of one frame or of successive ones; of two eyes, each twice
  std::unique_ptr<Executable> executable;
  std::optional<FrameNetwork> frame;  // what the tiles of one frame share, for networks that have it
  std::vector<std::unique_ptr<InferRequest>> requests;
  double compile_seconds = 0;
  bool compile_cached = false;  // read from the cache on disk
  std::string tuning;           // what was chosen by measurement and why; empty: nothing was

  // Runs the network this many times on a gray picture, so that what engines do at their first runs is over.
  Status warm_up(int runs, const Cancellation* cancel);
};

// Bytes that one run of the network takes: its activations, input and output. Engines keep convolution results in
// blocked layouts of their own, of about the plan's size.
int64_t request_bytes(const Graph& graph, Precision precision);

// Plans tiles within the memory budget and compiles; halves the tiles when memory does not suffice after all.
// Tile::input is relative to JobPlan::picture, the other regions to JobPlan::kept; tiles outside of that are left out.
// `margin`: TensorToFrame::margin() of the output. `max_tile_pixels`: a limit beside the budget; 0: none.
Result<TiledNetwork> compile_tiled(const VideoJob& job, const JobPlan& plan, int margin, int64_t max_tile_pixels = 0);

}  // namespace framelift
