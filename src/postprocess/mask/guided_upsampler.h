// A small plane brought to a picture's size along the picture's edges.
#pragma once

#include <vector>

#include "frame/tensor.h"
#include "postprocess/mask/box_filter.h"

namespace framelift {

// The fast guided filter with a colour guide (He, Sun, Tang, TPAMI 2013; He, Sun: arXiv 1505.00996): over every window
// the plane is fitted as a . guide + b at the small size; a and b are interpolated, and meet the guide at full size.
// One thread at a time; allocates nothing after its construction.
class GuidedUpsampler {
 public:
  // From height x width to target_height x target_width. `radius` of the windows in pixels of the small size; 0: no
  // guide, bilinear interpolation. `epsilon`: variance of the guide, of 0 to 1, below which it counts as flat.
  GuidedUpsampler(int height, int width, int target_height, int target_width, int radius, float epsilon);

  // f32 [1,3,target_height,target_width], from 0 to 1 (values outside, and NaN, count as the nearest): borrowed, for
  // the run() calls that follow.
  void set_guide(const TensorView& guide);
  // `plane`: height x width, 0 to 1; `target`: target_height x target_width, clamped to that range.
  void run(const float* plane, const TensorView& target);

 private:
  // Between which two samples, and how far from the first, an output sample lies: half-pixel centres, edge clamp.
  struct Tap {
    int low = 0, high = 0;
    float weight = 0;
  };
  static std::vector<Tap> taps(int from, int to);
  void fit(const float* plane);
  void stretch_row(int y, std::vector<float>& row) const;

  int height_, width_, target_height_, target_width_, radius_;
  float epsilon_;
  TensorView guide_;
  BoxFilter<9> box9_;
  BoxFilter<4> box4_;
  std::vector<Tap> rows_, columns_;
  // For each pixel of the small size: mean R, G, B, and their products RR, RG, RB, GG, GB, BB; then the inverse of
  // their covariance + epsilon in place of the products.
  std::vector<float> guide_small_, statistics_;
  std::vector<float> fit_;            // a (R, G, B) and b
  std::vector<float> sums_;           // of the guide, down the rows that one small row covers
  std::vector<float> upper_, lower_;  // two rows of fit_ at the target's width, plane by plane
};

}  // namespace framelift
