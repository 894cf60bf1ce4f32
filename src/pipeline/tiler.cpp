#include "pipeline/tiler.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace framelift {
namespace {

int round_up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

// One axis cut into equal cores, each read with its halo by a window of one common size.
struct Cut {
  int window = 0;  // input pixels each tile sees
  int core = 0;    // input pixels each tile contributes (the last one fewer)
  int count = 0;
};

struct Axis {
  int size;    // picture
  int padded;  // picture rounded up to the alignment
  int before, after;
  int step;  // cores are multiples of it

  Cut cut(int count) const {
    if (count <= 1) return {padded, padded, 1};
    const int core = round_up((padded + count - 1) / count, step);
    return {std::min(core + before + after, padded), core, (padded + core - 1) / core};
  }
  int window_start(const Cut& c, int index) const { return std::clamp(index * c.core - before, 0, padded - c.window); }
  int smallest_window() const { return std::min(step + before + after, padded); }
};

}  // namespace

Result<TilePlan> plan_tiles(const TileRequest& r) {
  // Halos and the postprocess margin round up to the alignment; cores also keep chroma pairs together.
  const int margin = (r.margin + r.scale - 1) / r.scale;
  const int step = std::lcm(r.alignment, 2);
  auto axis = [&](int size, int before, int after) {
    return Axis{size, round_up(size, r.alignment), round_up(before + margin, r.alignment),
                round_up(after + margin, r.alignment), step};
  };
  const Axis x = axis(r.width, r.halo.before_x, r.halo.after_x);
  const Axis y = axis(r.height, r.halo.before_y, r.halo.after_y);

  Cut best_x, best_y;
  int64_t best = std::numeric_limits<int64_t>::max();
  auto fits_edge = [&](const Cut& c) { return r.max_tile_edge == 0 || c.window <= r.max_tile_edge; };
  for (int nx = 1; nx <= std::max(x.padded / step, 1); ++nx) {
    const Cut cx = x.cut(nx);
    if (!fits_edge(cx)) continue;
    for (int ny = 1; ny <= std::max(y.padded / step, 1); ++ny) {
      const Cut cy = y.cut(ny);
      const int64_t area = int64_t{cx.window} * cy.window;
      if (!fits_edge(cy) || (r.max_tile_pixels > 0 && area > r.max_tile_pixels)) continue;
      const int64_t work = area * cx.count * cy.count;
      if (work < best) {
        best = work;
        best_x = cx;
        best_y = cy;
      }
      break;  // more rows only add halo
    }
  }
  if (best == std::numeric_limits<int64_t>::max())
    return fail(ErrorCode::invalid_argument,
                "the tile limit is below the smallest tile this network allows, {}x{} pixels; raise --tile or --memory",
                x.smallest_window(), y.smallest_window());

  TilePlan plan{best_x.window, best_y.window, {}};
  for (int j = 0; j < best_y.count; ++j)
    for (int i = 0; i < best_x.count; ++i) {
      const int s = r.scale;
      const int in_x = x.window_start(best_x, i), in_y = y.window_start(best_y, j);
      Tile tile;
      tile.input = {in_x, in_y, best_x.window, best_y.window};
      tile.covered = {in_x * s, in_y * s, best_x.window * s, best_y.window * s};
      const int x0 = i * best_x.core, y0 = j * best_y.core;
      tile.written = {x0 * s, y0 * s, (std::min(x0 + best_x.core, r.width) - x0) * s,
                      (std::min(y0 + best_y.core, r.height) - y0) * s};
      // Beyond the halo of an inner edge the output is exact; at the picture's own edge it is exact to the border.
      const int left = in_x == 0 ? 0 : in_x + r.halo.before_x, top = in_y == 0 ? 0 : in_y + r.halo.before_y;
      const int right = in_x + best_x.window >= x.padded ? x.padded : in_x + best_x.window - r.halo.after_x;
      const int bottom = in_y + best_y.window >= y.padded ? y.padded : in_y + best_y.window - r.halo.after_y;
      tile.exact = {left * s, top * s, (right - left) * s, (bottom - top) * s};
      if (tile.written.width > 0 && tile.written.height > 0) plan.tiles.push_back(tile);
    }
  return plan;
}

void crop_tiles(TilePlan& plan, const Region& picture, const Region& kept) {
  for (Tile& tile : plan.tiles) {
    tile.input.x -= picture.x;
    tile.input.y -= picture.y;
    tile.written = intersection(tile.written, kept);
    for (Region* region : {&tile.covered, &tile.exact, &tile.written}) {
      region->x -= kept.x;
      region->y -= kept.y;
    }
  }
  std::erase_if(plan.tiles, [](const Tile& tile) { return tile.written.width <= 0 || tile.written.height <= 0; });
}

}  // namespace framelift
