// Joins tiles that overlap and blend (BlendPlan), in float, before anything is rounded.
#pragma once

#include <vector>

#include "frame/tensor.h"
#include "pipeline/tiler.h"

namespace framelift {

// Along each axis a tile takes over from what is there already, a, with weight t: a + t (b - a), where t rises as half
// a Hann window, t(k) = (1 - cos(pi (k + 1/2) / n)) / 2 over the n pixels of the ramp. The weights of all tiles at a
// pixel are therefore non-negative and sum to 1, whatever the sizes, and where tiles agree the result is what they
// agree on to the last bit: constant pictures stay constant, and a network of no receptive field gives what it gives
// untiled.
//
// Memory: one row of tiles, as wide as the picture, and the rows of one overlap. Nothing is allocated after
// construction. Not thread-safe.
class TileBlender {
 public:
  // `plan`: with `blend`; borrowed.
  explicit TileBlender(const TilePlan& plan, int channels = 3);

  // Takes the output f32 [1,channels,h,w] of a tile, an index into TilePlan::tiles; a picture's tiles come in order.
  // The last of a row of tiles completes a band: band() covers its `covered`, and its `written` part is final, with
  // BlendPlan::margin rows of context. Null until then.
  const Tile* add(int tile, const TensorView& output);
  TensorView band() { return band_.view(); }

 private:
  void join_to_the_left(const Tile& tile, const Tile& band, size_t column, const TensorView& output);
  void join_to_above(size_t row);
  void keep_for_below(size_t row);

  const TilePlan& plan_;
  const BlendPlan& blend_;
  Tensor band_;                               // the row of tiles under way
  Tensor above_;                              // of the row before: the rows of the ramp, and the context above it
  std::vector<float> weights_x_, weights_y_;  // of a ramp; all ramps of an axis are equally long
};

}  // namespace framelift
