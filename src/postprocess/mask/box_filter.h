// Means over square windows, in time that hardly depends on their size.
#pragma once

#include <vector>

namespace framelift {

// One thread at a time; allocates nothing after its construction.
class BoxFilter {
 public:
  // Of planes of height x width floats, rows without gaps, for windows of up to `max_radius` rows and columns beside
  // the middle.
  BoxFilter(int height, int width, int max_radius);

  // dst[y,x] = mean of src over the pixels of the plane within `radius` rows and columns. `dst` may be `src`.
  void run(const float* src, float* dst, int radius);

 private:
  void means_of_row(const float* from, float* to, int radius);

  int height_, width_;
  std::vector<float> rows_;         // means along rows
  std::vector<float> line_, sums_;  // a row between zeros, and the sums of its windows
  std::vector<float> zeros_;        // a row above or below the plane
  std::vector<double> column_;      // running sums down the columns
};

}  // namespace framelift
