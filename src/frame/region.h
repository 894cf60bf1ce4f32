// A rectangle of pixels.
#pragma once

#include <algorithm>

namespace framelift {

struct Region {
  int x = 0, y = 0, width = 0, height = 0;
  int right() const { return x + width; }
  int bottom() const { return y + height; }
  friend bool operator==(const Region&, const Region&) = default;
};

// What two rectangles share; without area (width or height 0 or less) when they do not meet.
inline Region intersection(const Region& a, const Region& b) {
  const int x = std::max(a.x, b.x), y = std::max(a.y, b.y);
  return {x, y, std::min(a.right(), b.right()) - x, std::min(a.bottom(), b.bottom()) - y};
}

}  // namespace framelift
