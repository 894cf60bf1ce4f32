#include "metrics/scene_cut.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace framelift {
namespace {

// A scene cut changes the thumbnail by more than this on average (of 1 = black to white). Camera moves and fades of
// ordinary footage stay below a third of it from one frame to the next.
constexpr float cut_threshold = 0.1f;

}  // namespace

bool SceneCutDetector::is_cut(const TensorView& picture) {
  const auto rows = static_cast<int>(picture.shape[2]), columns = static_cast<int>(picture.shape[3]);
  float difference = 0;
  for (int ty = 0; ty < height; ++ty)
    for (int tx = 0; tx < width; ++tx) {
      // Mean of the green plane over the cell: close enough to luma for telling scenes apart.
      const int y0 = ty * rows / height, y1 = std::max((ty + 1) * rows / height, y0 + 1);
      const int x0 = tx * columns / width, x1 = std::max((tx + 1) * columns / width, x0 + 1);
      // Of a large picture some of the rows are enough.
      const int step = std::max((y1 - y0) / 16, 1);
      float sum = 0;
      int pixels = 0;
      for (int y = y0; y < std::min(y1, rows); y += step, pixels += x1 - x0)
        for (int x = x0; x < std::min(x1, columns); ++x) sum += picture.as<float>()[int64_t{rows + y} * columns + x];
      const float mean = sum / static_cast<float>(pixels);
      float& cell = thumbnail_[static_cast<size_t>(ty) * width + static_cast<size_t>(tx)];
      difference += std::abs(mean - cell);
      cell = mean;
    }
  return std::exchange(first_, false) || difference > cut_threshold * static_cast<float>(thumbnail_.size());
}

}  // namespace framelift
