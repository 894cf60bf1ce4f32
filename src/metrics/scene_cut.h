// Where one scene ends and another begins.
#pragma once

#include <array>

#include "frame/tensor.h"

namespace framelift {

// Compares every picture with the one before, as thumbnails of 16x9 cells. Not thread-safe; allocates nothing.
class SceneCutDetector {
 public:
  // picture: f32 [1,3,H,W], 0 = black, 1 = white, gamma-coded; of any size, also a reduced frame. True for the first
  // picture of a scene, and so for the very first.
  bool is_cut(const TensorView& picture);

 private:
  static constexpr int width = 16, height = 9;
  std::array<float, size_t{width} * height> thumbnail_{};
  bool first_ = true;
};

}  // namespace framelift
