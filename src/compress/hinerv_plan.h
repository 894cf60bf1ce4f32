// Which network a group of pictures gets, and in which patches it is trained.
#pragma once

#include <string>

#include "base/result.h"
#include "network/hinerv/config.h"

namespace framelift {

// Of a weight in the file, on average. Of networks of one size in bytes, those with 5 bits and more weights came out
// better than those with 6 (docs/hinerv.md).
inline constexpr int default_weight_bits = 5;

struct SizeChoice {
  // A published configuration ("bunny-xs"), or empty: widths that come to about bits_per_pixel, found by counting.
  std::string name;
  double bits_per_pixel = 0.05;
  int bits = default_weight_bits;
  double prune = 0.15;  // share of the weights that will be nothing
};

struct HinervPlan {
  // Its height and width are multiples of the patch; the picture lies in the upper left corner.
  HinervConfig config;
  int patch_height = 0, patch_width = 0;

  int patch_rows() const { return config.height / patch_height; }
  int patch_columns() const { return config.width / patch_width; }
  int patches_per_frame() const { return patch_rows() * patch_columns(); }
};

// Patches are whole up to 640 pixels a side and have 80 to 240 beyond: MS-SSIM of five scales with a window of 5 needs
// 80, and the authors took 80 at 720p and 120 at 1080p. Scales, patch and size are those that need the fewest pixels
// beyond the picture. Errors: invalid_argument (sizes), not_found (name).
Result<HinervPlan> plan_hinerv(int frames, int width, int height, const SizeChoice& choice);

int64_t count_hinerv_parameters(const HinervConfig& config);

// The bits that a weight comes to in a file, counting pruned ones and everything else: a rule of thumb.
double expected_bits_per_weight(int bits, double prune);

}  // namespace framelift
