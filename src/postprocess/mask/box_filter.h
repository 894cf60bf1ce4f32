// Means over square windows, in time that does not depend on their size.
#pragma once

#include <vector>

namespace framelift {

// One thread at a time.
class BoxFilter {
 public:
  BoxFilter(int height, int width);

  // dst[y,x] = mean of src over the pixels of the picture within `radius` rows and columns. Planes of height x width
  // floats, rows without gaps; `dst` may be `src`.
  void run(const float* src, float* dst, int radius);

 private:
  int height_, width_;
  std::vector<float> rows_;     // src summed along rows
  std::vector<double> column_;  // running sums down the columns
};

}  // namespace framelift
