#include "pipeline/tile_blender.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace framelift {
namespace {

std::vector<float> rising_weights(const std::vector<Ramp>& ramps) {
  const int n = ramps.back().end - ramps.back().begin;
  std::vector<float> weights(static_cast<size_t>(n));
  for (int k = 0; k < n; ++k)
    weights[static_cast<size_t>(k)] = static_cast<float>((1 - std::cos(std::numbers::pi * (k + 0.5) / n)) / 2);
  return weights;
}

}  // namespace

TileBlender::TileBlender(const TilePlan& plan, int channels)
    : plan_(plan),
      blend_(*plan.blend),
      band_(DType::f32, {1, channels, blend_.bands[0].covered.height, blend_.bands[0].covered.width}),
      weights_x_(rising_weights(blend_.x)),
      weights_y_(rising_weights(blend_.y)) {
  above_ = Tensor(DType::f32, {1, channels, static_cast<int64_t>(weights_y_.size()) + 2 * blend_.margin,
                               blend_.bands[0].covered.width});
}

const Tile* TileBlender::add(int tile, const TensorView& output) {
  const size_t columns = blend_.x.size();
  const size_t column = static_cast<size_t>(tile) % columns, row = static_cast<size_t>(tile) / columns;
  const Tile& band = blend_.bands[row];
  join_to_the_left(plan_.tiles[static_cast<size_t>(tile)], band, column, output);
  if (column + 1 < columns) return nullptr;
  if (row > 0) join_to_above(row);
  if (row + 1 < blend_.y.size()) keep_for_below(row + 1);
  return &band;
}

void TileBlender::join_to_the_left(const Tile& tile, const Tile& band, size_t column, const TensorView& output) {
  const int64_t rows = output.shape[1] * output.shape[2], width = output.shape[3], band_width = band_.shape()[3];
  const int64_t begin = column == 0 ? 0 : blend_.x[column].begin - tile.covered.x;
  const int64_t end = column == 0 ? 0 : blend_.x[column].end - tile.covered.x;
  for (int64_t row = 0; row < rows; ++row) {
    const float* from = output.as<float>() + row * width;
    float* to = band_.as<float>() + row * band_width + (tile.covered.x - band.covered.x);
    for (int64_t x = begin; x < end; ++x) to[x] += weights_x_[static_cast<size_t>(x - begin)] * (from[x] - to[x]);
    std::copy(from + end, from + width, to + end);
  }
}

void TileBlender::join_to_above(size_t row) {
  const int64_t channels = band_.shape()[1], height = band_.shape()[2], width = band_.shape()[3];
  const int64_t context = 2 * int64_t{blend_.margin}, kept = above_.shape()[2];
  const int64_t first = blend_.y[row].begin - context - blend_.bands[row].covered.y;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t k = 0; k < kept; ++k) {
      const float* from = above_.as<float>() + (c * kept + k) * width;
      float* to = band_.as<float>() + (c * height + first + k) * width;
      const float weight = k < context ? 0 : weights_y_[static_cast<size_t>(k - context)];
      for (int64_t x = 0; x < width; ++x) to[x] = from[x] + weight * (to[x] - from[x]);
    }
}

void TileBlender::keep_for_below(size_t row) {
  const int64_t channels = band_.shape()[1], height = band_.shape()[2], width = band_.shape()[3];
  const int64_t kept = above_.shape()[2];
  const int64_t first = blend_.y[row].begin - 2 * int64_t{blend_.margin} - blend_.bands[row - 1].covered.y;
  for (int64_t c = 0; c < channels; ++c)
    std::copy_n(band_.as<float>() + (c * height + first) * width, kept * width, above_.as<float>() + c * kept * width);
}

}  // namespace framelift
