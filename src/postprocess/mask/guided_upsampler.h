// A small plane brought to a picture's size along the picture's edges.
#pragma once

#include <vector>

#include "postprocess/mask/box_filter.h"
#include "preprocess/reduce.h"

namespace framelift {

// The fast guided filter (He, Sun: arXiv 1505.00996): over every window the plane is fitted as a * guide + b at the
// small size; a and b are interpolated, and meet the guide at full size. One thread at a time.
class GuidedUpsampler {
 public:
  // From height x width to target_height x target_width. `radius` of the windows in pixels of the small size; 0: no
  // guide, bilinear interpolation. `epsilon`: variance of the guide, of 0 to 1, below which it counts as flat.
  GuidedUpsampler(int height, int width, int target_height, int target_width, int radius, float epsilon);

  // f32 [1,1,target_height,target_width], 0 to 1: borrowed, for the run() calls that follow.
  void set_guide(const TensorView& guide);
  // `plane`: height x width, 0 to 1; `target`: target_height x target_width, clamped to that range.
  void run(const float* plane, const TensorView& target);

 private:
  int height_, width_, radius_;
  float epsilon_;
  TensorView guide_;
  Reducer enlarge_;
  BoxFilter box_;
  Tensor small_;  // [1,1,height,width]: what is enlarged
  Tensor slope_;  // [1,1,target_height,target_width]
  std::vector<float> guide_small_, mean_guide_, variance_, mean_plane_, product_;
};

}  // namespace framelift
