// The two pictures of stereo video.
#pragma once

#include <vector>

#include "frame/region.h"
#include "pipeline/mask/mask_options.h"

namespace framelift {

// Where they are in a frame of even size, the left eye first; the whole frame where there is one.
inline std::vector<Region> eye_regions(EyeLayout layout, int width, int height) {
  switch (layout) {
    case EyeLayout::one: break;
    case EyeLayout::side_by_side: return {{0, 0, width / 2, height}, {width / 2, 0, width / 2, height}};
    case EyeLayout::top_bottom: return {{0, 0, width, height / 2}, {0, height / 2, width, height / 2}};
  }
  return {{0, 0, width, height}};
}

}  // namespace framelift
