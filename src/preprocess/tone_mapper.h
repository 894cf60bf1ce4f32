// HDR tensors to SDR for a BT.709 display, fast; what it computes is defined by ToneMap (color/tone_map.h).
#pragma once

#include <vector>

#include "base/result.h"
#include "color/color_info.h"
#include "frame/tensor.h"
#include "preprocess/color_convert_kernels.h"

namespace framelift {

// Prepared for one colour and peak; immutable afterwards, so any number of threads may call it.
class ToneMapper {
 public:
  // `from`: transfer PQ or HLG and its primaries; the other members do not matter. `peak_nits`: the brightest of the
  // content (of the HLG display), 100..10000 cd/m2. Errors as ToneMap::create.
  static Result<ToneMapper> create(const ColorInfo& from, double peak_nits);

  // HDR R'G'B' -> SDR R'G'B' 0..1 (BT.709 primaries, 2.4 power), in place on f32 [1, 3, h, w], within 2e-5 of
  // ToneMap::run (2e-3 where a component is next to black). A pixel's value does not depend on its place. NaN becomes
  // black. Allocates nothing.
  void run(const TensorView& rgb) const;

 private:
  ToneMapper() = default;
  ColorPlan plan_;           // without the table's address, so that copies have their own
  std::vector<float> gain_;  // ColorPlan::gain
};

}  // namespace framelift
