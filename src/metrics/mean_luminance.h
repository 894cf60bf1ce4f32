// How much light a frame sends out: one number a frame, cheap enough to be taken while a job runs.
#pragma once

#include "color/color_info.h"
#include "frame/region.h"
#include "frame/tensor.h"
#include "metrics/curve_table.h"

namespace framelift {

// Mean luminance of pictures on their reference display in cd/m2: SDR with white at 100 cd/m2 (BT.2035) and black at 0,
// PQ as it is, HLG on a display of `peak_nits`. Every eighth row is looked at, by its place in the picture, so that two
// pictures of one size are measured at the same places. Signals are clamped to 0..1, NaN is black. Not thread-safe;
// nothing is allocated after construction.
class MeanLuminance {
 public:
  // Transfer and primaries are specified.
  explicit MeanLuminance(const ColorInfo& color, double peak_nits = 1000);

  // Adds `region` of the current frame. `rgb` is f32 [1,3,h,w] and covers `covered` of the picture.
  void add(const TensorView& rgb, const Region& covered, const Region& region);
  // All regions of the frame have been added: its mean, 0 for nothing.
  double end_frame();

 private:
  CurveTable light_;  // of one component; 1 = display_scale_ cd/m2, but scene light for HLG
  double weights_[3];
  double display_scale_;
  float hlg_gamma_ = 0;  // 0: not HLG
  double sum_ = 0;       // of the current frame, in units of display_scale_
  int64_t pixels_ = 0;
};

}  // namespace framelift
