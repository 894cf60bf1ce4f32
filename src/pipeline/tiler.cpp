#include "pipeline/tiler.h"

#include <algorithm>
#include <cmath>
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

// One axis cut into windows of one size that overlap and blend.
struct BlendedAxis {
  int window = 0;  // input pixels
  std::vector<int> starts;
  std::vector<Ramp> ramps;  // one a window

  // `longest`: of a window. An error when that leaves nothing beside the overlap.
  static std::optional<BlendedAxis> cut(const TileRequest& r, int size, int longest) {
    const int step = std::lcm(r.alignment, 2);
    const int padded = round_up(size, r.alignment);
    if (padded <= longest) return BlendedAxis{padded, {0}, {{}}};
    // Over the middle half, because the outer quarters are where a tile is furthest from the untiled picture. Beside it
    // there is room for the rows of context that postprocess reads above and below what it writes.
    const int blended = round_up((r.blend + 1) / 2, step);
    const int shared = round_up(std::max(r.blend, blended + (4 * r.margin + r.scale - 1) / r.scale), step);
    longest = longest / step * step;
    if (longest < shared + step) return std::nullopt;
    const auto count_of = [&](int window) { return (padded - shared + window - shared - 1) / (window - shared); };
    const int most = count_of(longest);
    BlendedAxis axis;
    axis.window = round_up((padded + (most - 1) * shared + most - 1) / most, step);
    for (int i = 0; i < count_of(axis.window); ++i) {
      axis.starts.push_back(std::min(i * (axis.window - shared), padded - axis.window));
      const int start = axis.starts.back() * r.scale;
      if (i == 0) {
        axis.ramps.push_back({});
        continue;
      }
      // On even pixels.
      const int common = (axis.starts[static_cast<size_t>(i) - 1] + axis.window) * r.scale - start;
      const int begin = round_up(start + (common - blended * r.scale) / 2, 2);
      axis.ramps.push_back({begin, begin + blended * r.scale});
    }
    return axis;
  }

  // What window i writes, in output pixels, when the picture has `size` of them: from its ramp to the next.
  int written_begin(size_t i, int margin) const { return i == 0 ? 0 : ramps[i].begin - margin; }
  int written_end(size_t i, int margin, int size) const {
    return i + 1 == ramps.size() ? size : ramps[i + 1].begin - margin;
  }
};

Result<TilePlan> plan_blended_tiles(const TileRequest& r) {
  constexpr auto unlimited = std::numeric_limits<int64_t>::max();
  const int64_t limit = r.max_tile_edge > 0 ? r.max_tile_edge : unlimited;
  const int64_t area = r.max_tile_pixels > 0 ? r.max_tile_pixels : unlimited;
  const int padded_x = round_up(r.width, r.alignment), padded_y = round_up(r.height, r.alignment);
  // As square as the picture allows.
  const auto square = static_cast<int64_t>(std::sqrt(static_cast<double>(area)));
  const auto edge_y = static_cast<int>(
      std::min({limit, int64_t{padded_y}, std::max(square, area / std::min(limit, int64_t{padded_x}))}));
  const auto edge_x = static_cast<int>(std::min({limit, int64_t{padded_x}, area / std::max(edge_y, 1)}));
  const auto x = BlendedAxis::cut(r, r.width, edge_x), y = BlendedAxis::cut(r, r.height, edge_y);
  if (!x || !y)
    return fail(ErrorCode::invalid_argument,
                "tiles of {}x{} pixels leave no room beside an overlap of {}; raise --tile or --memory, or lower "
                "--overlap",
                edge_x, edge_y, r.blend);

  TilePlan plan{x->window, y->window, {}, std::nullopt};
  const int s = r.scale, width = r.width * s, height = r.height * s;
  BlendPlan blend{x->ramps, y->ramps, {}, r.margin};
  for (size_t j = 0; j < y->starts.size(); ++j) {
    const int top = y->written_begin(j, r.margin), bottom = y->written_end(j, r.margin, height);
    const int in_y = y->starts[j];
    Tile band;
    band.covered = {0, in_y * s, padded_x * s, y->window * s};
    band.written = {0, top, width, bottom - top};
    blend.bands.push_back(band);
    for (size_t i = 0; i < x->starts.size(); ++i) {
      const int left = x->written_begin(i, 0), right = x->written_end(i, 0, width);
      const int in_x = x->starts[i];
      Tile tile;
      tile.input = {in_x, in_y, x->window, y->window};
      tile.covered = {in_x * s, in_y * s, x->window * s, y->window * s};
      tile.written = {left, top, right - left, bottom - top};
      plan.tiles.push_back(tile);
    }
  }
  if (plan.tiles.size() > 1) {
    plan.blend = std::move(blend);
  } else {
    plan.tiles[0].exact = plan.tiles[0].covered;
  }
  return plan;
}

}  // namespace

Result<TilePlan> plan_tiles(const TileRequest& r) {
  if (r.blend > 0) return plan_blended_tiles(r);
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

  TilePlan plan{best_x.window, best_y.window, {}, std::nullopt};
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
  const auto crop = [&](Tile& tile) {
    tile.input.x -= picture.x;
    tile.input.y -= picture.y;
    tile.written = intersection(tile.written, kept);
    for (Region* region : {&tile.covered, &tile.exact, &tile.written}) {
      region->x -= kept.x;
      region->y -= kept.y;
    }
  };
  std::ranges::for_each(plan.tiles, crop);
  if (!plan.blend) {
    std::erase_if(plan.tiles, [](const Tile& tile) { return tile.written.width <= 0 || tile.written.height <= 0; });
    return;
  }
  std::ranges::for_each(plan.blend->bands, crop);
  for (Ramp& ramp : plan.blend->x) ramp = {ramp.begin - kept.x, ramp.end - kept.x};
  for (Ramp& ramp : plan.blend->y) ramp = {ramp.begin - kept.y, ramp.end - kept.y};
}

}  // namespace framelift
