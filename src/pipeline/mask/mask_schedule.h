// On which frames a segmentation network runs.
#pragma once

#include "metrics/scene_cut.h"

namespace framelift {

struct MaskStep {
  bool run = true;   // the network runs; else the frame's mask comes from those around it
  bool cut = false;  // a new scene begins
};

// On every `every`-th frame of a scene, the first included. One thread at a time.
class MaskSchedule {
 public:
  explicit MaskSchedule(int every) : every_(every) {}

  // The next frame, as SceneCutDetector takes it.
  MaskStep next(const TensorView& picture) {
    const bool cut = cuts_.is_cut(picture);
    since_run_ = cut ? every_ : since_run_ + 1;
    if (since_run_ < every_) return {false, false};
    since_run_ = 0;
    return {true, cut};
  }

 private:
  SceneCutDetector cuts_;
  int every_, since_run_ = 0;
};

}  // namespace framelift
