// Cuts a picture into tiles that a network of one fixed size computes. Either the joined result equals the untiled one
// exactly, because every tile carries the receptive field around the part it contributes; or tiles overlap by less and
// blend, for networks whose receptive field is so large that carrying it would be most of the work.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "frame/region.h"
#include "graph/analysis.h"

namespace framelift {

struct Tile {
  Region input;    // what the network sees, in input pixels; may reach beyond the picture (padding to the alignment)
  Region covered;  // the network's output for it, in output pixels
  Region exact;    // the part of `covered` that equals the untiled output; empty for tiles that blend
  Region written;  // the part this tile contributes: the tiles' written regions partition the output picture
};

// Where a tile takes over from those before it along one axis, in output pixels: its weight rises from 0 to 1 over
// [begin, end) and is 1 from there on. Everything before `begin` comes from the tiles before.
struct Ramp {
  int begin = 0, end = 0;
};

// How tiles that blend are joined (pipeline/tile_blender.h): each to those on its left, then each row of tiles to those
// above.
struct BlendPlan {
  std::vector<Ramp> x;      // one a column of tiles; the first has no length
  std::vector<Ramp> y;      // one a row of tiles
  std::vector<Tile> bands;  // the rows of tiles as tiles of their own, as wide as the picture (`input` is not used)
  int margin = 0;           // rows above a band's written part that are final too
};

struct TilePlan {
  int tile_width = 0, tile_height = 0;  // of every tile's input
  std::vector<Tile> tiles;              // row by row
  std::optional<BlendPlan> blend;       // nothing: the tiles' written regions are final as they are
};

struct TileRequest {
  int width = 0, height = 0;    // of the picture, in input pixels
  int scale = 1;                // output pixels per input pixel
  int alignment = 1;            // tiles start and end on multiples of it
  Halo halo;                    // the network's receptive field, in input pixels
  int margin = 0;               // output pixels of context that postprocess reads around a written region
  int max_tile_edge = 0;        // longest side of a tile's input; 0: no limit
  int64_t max_tile_pixels = 0;  // area of a tile's input; 0: no limit
  int blend = 0;                // input pixels that neighbouring tiles share, to blend over the middle half; 0: exact
};

// The plan with the least computing that keeps the limits; a single tile when that fits. Error: the limits leave no
// room beside the halo or the overlap (the message gives the smallest edge that works).
Result<TilePlan> plan_tiles(const TileRequest& request);

// Keeps what lies in `kept` of the output; afterwards outputs are relative to its corner and inputs to `picture`'s.
// Exact tiles that contribute nothing are dropped. kept.x and kept.y are even, as postprocess wants written regions to
// be.
void crop_tiles(TilePlan& plan, const Region& picture, const Region& kept);

}  // namespace framelift
