// HiNeRV (Kwan et al., NeurIPS 2023): a video kept as the weights of a network that paints any of its frames.
//
// A coarse grid of features per moment (the base grid), stretched to the frame's time, goes through a convolution (the
// stem) and stages. A stage enlarges by its scale, adds features that depend on the time and on the place inside the
// enlarged pixel (its grids), and ends in ConvNeXt blocks. Names and meaning follow the authors' program (commit
// fdb92ec).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace framelift {

struct HinervStage {
  int scale = 2;         // of rows and columns
  int depth = 3;         // blocks
  double expansion = 4;  // a block's inner channels / the channels it gives
  int kernel = 3;        // of the depthwise convolutions, odd
  friend bool operator==(const HinervStage&, const HinervStage&) = default;
};

// What the three planes mean that a network paints.
enum class HinervOutput : uint8_t {
  rgb,
  // Y'CbCr of 4:2:0 video: every 2x2 pixels of the two chroma planes have one value, the mean of what the head gives.
  // Codes over 2^bits in limited range, over 2^bits - 1 in full range.
  ycbcr_420,
};

struct HinervConfig {
  int frames = 0, height = 0, width = 0;  // of the video; height and width are multiples of stride()
  int channels = 0;                       // of the stem and the first stage; each later stage halves them,
  int least_channels = 1;                 // but no further than to these
  std::vector<HinervStage> stages;
  int stem_kernel = 3;        // odd
  int base_frames = 0;        // of the finest base grid; 0: as many as the video has
  int base_channels = 0;      // of the finest base grid
  int base_levels = 2;        // each has half the frames and twice the channels of the one before
  int grid_channels = 0;      // of the first stage's finest grid, halved from stage to stage
  int grid_levels = 3;        // as base_levels; the finest has as many frames as the video
  bool upsample_norm = true;  // layer normalisation before enlarging
  HinervOutput output = HinervOutput::rgb;
  friend bool operator==(const HinervConfig&, const HinervConfig&) = default;

  // Pixels per pixel of the base grid: the product of all scales.
  int stride() const;
  int base_height() const { return height / stride(); }
  int base_width() const { return width / stride(); }
};

// One level of a stack of grids. Never less than one frame and one channel, so that short videos work too.
struct HinervGrid {
  int frames = 1, channels = 1;
};
std::vector<HinervGrid> hinerv_base_grids(const HinervConfig& config);
std::vector<HinervGrid> hinerv_stage_grids(const HinervConfig& config, int stage);

// Channels that a stage takes and gives, and that its blocks have inside.
struct HinervChannels {
  int in = 1, out = 1, inner = 1;
};
HinervChannels hinerv_channels(const HinervConfig& config, int stage);

// Pixels beyond each edge of a patch that must be computed for the patch to come out as in the whole frame.
struct HinervPadding {
  int stem = 0;   // of the base grid, before the stem
  int first = 0;  // after the stem
  // Per stage: enlarged (`wide`), and what is still right after its blocks (`narrow`; 0 after the last).
  struct Stage {
    int wide = 0, narrow = 0;
  };
  std::vector<Stage> stages;
};
HinervPadding hinerv_padding(const HinervConfig& config);

// Numbers out of range, sizes that the scales do not divide: invalid_argument, naming what and the remedy.
Status check_hinerv(const HinervConfig& config);

// The configurations that the authors published results of, for the videos they were made for: "uvg-s", "uvg-a-m",
// "bunny-xxs", ...
struct PublishedHinerv {
  std::string name;
  HinervConfig config;
};
const std::vector<PublishedHinerv>& published_hinerv();
// Error not_found lists the names.
Result<HinervConfig> find_published_hinerv(std::string_view name);

}  // namespace framelift
