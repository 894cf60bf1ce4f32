// Structural similarity: Z. Wang, A. C. Bovik, H. R. Sheikh and E. P. Simoncelli, "Image quality assessment: from error
// visibility to structural similarity", IEEE Transactions on Image Processing 13(4), 2004.
#pragma once

#include <array>
#include <vector>

#include "frame/tensor.h"

namespace framelift {

// With the paper's settings: an 11x11 Gaussian window of standard deviation 1.5 with sum 1, K1 = 0.01, K2 = 0.03,
// dynamic range 1, population variances; the mean over the positions where the window lies inside the picture. No
// downsampling first. Keeps scratch rows, so one thread at a time; allocates nothing after the first picture.
class Ssim {
 public:
  static constexpr int window = 11;  // smallest width and height of a picture

  Ssim();
  // a, b: one plane each, f32 [1,1,H,W], H and W at least `window`. Equal pictures give exactly 1.
  double run(const TensorView& a, const TensorView& b);

 private:
  static constexpr size_t moments = 5;  // a, b, aa, bb, ab

  std::array<double, window> weights_{};
  std::array<std::vector<double>, moments> rows_;    // filtered vertically
  std::array<std::vector<double>, moments> window_;  // and horizontally
};

}  // namespace framelift
