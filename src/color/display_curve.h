// Linear light without an upper end -> an SDR picture to look at: the curves of `framelift tonemap`.
#pragma once

#include <cstdint>

#include "color/tone_map.h"

namespace framelift {

enum class DisplayCurve : uint8_t {
  none,      // clipped at 1
  log,       // log(1 + x) / log(1 + largest) of each component, which is the signal itself: a preview in which nothing
             // is clipped, as the training code of HDR expansion networks shows its pictures
  reinhard,  // luminance L (1 + L / W^2) / (1 + L) with W the largest, at least 1; components along with it. Reinhard,
             // Stark, Shirley and Ferwerda, "Photographic Tone Reproduction for Digital Images", 2002, equation 4
  aces,      // x (2.51 x + 0.03) / (x (2.43 x + 0.59) + 0.14) of each component: K. Narkowicz's fit of the ACES RRT and
             // ODT for Rec. 709, "ACES Filmic Tone Mapping Curve", 2016
  bt2390,    // Eetf from the picture's peak to HDR Reference White, of the largest component (tone_map.h)
};

// What a curve takes from the whole picture, in linear BT.709 RGB.
struct LightRange {
  double largest_component = 0, largest_luminance = 0;
};

class DisplayMap {
 public:
  // `white_nits`: what 1 stands for in cd/m2, for bt2390; 0: HDR Reference White.
  DisplayMap(DisplayCurve curve, const LightRange& range, double white_nits);

  // Linear BT.709 RGB -> sRGB signal 0..1, in place. Light below 0 counts as 0.
  void run(double (&rgb)[3]) const;

 private:
  DisplayCurve curve_;
  double log_largest_;      // log(1 + largest component)
  double white_luminance_;  // Reinhard's W
  double white_nits_;
  Eetf eetf_;
};

}  // namespace framelift
