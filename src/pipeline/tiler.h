// Cuts a picture into tiles that a network of one fixed size computes, so that the joined result equals the untiled
// one exactly: every tile carries the receptive field around the part it contributes.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "frame/region.h"
#include "graph/analysis.h"

namespace framelift {

struct Tile {
  Region input;    // what the network sees, in input pixels; may reach beyond the picture (padding to the alignment)
  Region covered;  // the network's output for it, in output pixels
  Region exact;    // the part of `covered` that equals the untiled output
  Region written;  // the part this tile contributes: the tiles' written regions partition the output picture
};

struct TilePlan {
  int tile_width = 0, tile_height = 0;  // of every tile's input
  std::vector<Tile> tiles;              // row by row
};

struct TileRequest {
  int width = 0, height = 0;    // of the picture, in input pixels
  int scale = 1;                // output pixels per input pixel
  int alignment = 1;            // tiles start and end on multiples of it
  Halo halo;                    // the network's receptive field, in input pixels
  int margin = 0;               // output pixels of context that postprocess reads around a written region
  int max_tile_edge = 0;        // longest side of a tile's input; 0: no limit
  int64_t max_tile_pixels = 0;  // area of a tile's input; 0: no limit
};

// The plan with the least computing that keeps the limits; a single tile when that fits. Error: the limits leave no
// room beside the halo (the message gives the smallest edge that works).
Result<TilePlan> plan_tiles(const TileRequest& request);

// Keeps what lies in `kept` of the output; afterwards outputs are relative to its corner and inputs to `picture`'s.
// Tiles that contribute nothing are dropped. kept.x and kept.y are even, as postprocess wants written regions to be.
void crop_tiles(TilePlan& plan, const Region& picture, const Region& kept);

}  // namespace framelift
