// The augmentation of training: a tile of a randomly scaled sample, cut at the same place of input and target.
#pragma once

#include "base/result.h"
#include "train/data/dataset.h"

namespace framelift {

// Which tile; everything random is drawn by the caller.
struct TileChoice {
  double scale = 1;     // of the whole sample, before the tile is cut; above 0
  double x = 0, y = 0;  // where the tile lies in the room that there is for it, from 0 (left, top) to below 1
  bool mirror_x = false, mirror_y = false;
};

// How many times the target is larger than the input; 0: there is no target. Errors: invalid_data, naming the sample
// (not [1, 3, H, W] in f32, empty, or not a whole number of times larger).
Result<int> target_scale(const Sample& sample);

// Writes the tile of the input, [3, tile, tile], and of the target, [3, tile * k, tile * k] with k = target_scale(),
// if there is one.
// The sample is scaled bilinearly without anti-aliasing, pixel centres at n + 1/2, borders repeated (as PyTorch's
// F.interpolate does with align_corners=False); what is then smaller than the tile goes on to the right and below as
// its own reflection. That does not repeat the edge pixel, unless the sizes differ: pixels of two sizes share edges,
// not centres. Only what the tile shows is computed.
void cut_tile(const Sample& sample, const TileChoice& choice, int tile, float* input, float* target);

}  // namespace framelift
