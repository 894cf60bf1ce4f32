// MaxCLL and MaxFALL (CTA-861.3), measured from PQ-coded RGB.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "frame/hdr_metadata.h"
#include "frame/region.h"
#include "frame/tensor.h"

namespace framelift {

// The light of a pixel is the largest of its linear R, G and B in cd/m2. MaxCLL is the brightest pixel of all frames,
// MaxFALL the largest mean of a frame. Every pixel counts, black bars among them, as the standard has it for the
// picture that is coded. Not thread-safe; nothing is allocated after construction.
class LightMeter {
 public:
  LightMeter();

  // Adds `region` of the current frame. `rgb` is f32 [1, 3, h, w], PQ-coded, and covers `covered` of the picture.
  // Values are clamped to 0..1, NaN counts as black.
  void add(const TensorView& rgb, const Region& covered, const Region& region);
  // All regions of the frame have been added.
  void end_frame();

  int64_t frames() const { return frames_; }
  double max_content_nits() const;                                           // MaxCLL
  double max_frame_average_nits() const { return max_frame_average_nits_; }  // MaxFALL

 private:
  std::vector<float> eotf_;  // samples of the curve, see light_levels.cpp
  float max_code_ = 0;
  double sum_nits_ = 0;  // of the current frame
  int64_t pixels_ = 0;
  int64_t frames_ = 0;
  double max_frame_average_nits_ = 0;
};

// What is written into the file: the levels rounded to whole cd/m2, at least 1 because 0 means unknown; and `display`,
// or a mastering display assumed from the levels: primaries BT.2020, white D65, peak the first of 1000, 2000, 4000 and
// 10000 cd/m2 that MaxCLL does not exceed, black 0.0001 cd/m2. Empty before the first frame.
HdrMetadata measured_metadata(const LightMeter& meter, const std::optional<MasteringDisplay>& display = std::nullopt);

}  // namespace framelift
