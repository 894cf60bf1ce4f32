// A rectangle of pixels.
#pragma once

namespace framelift {

struct Region {
  int x = 0, y = 0, width = 0, height = 0;
  int right() const { return x + width; }
  int bottom() const { return y + height; }
  friend bool operator==(const Region&, const Region&) = default;
};

}  // namespace framelift
