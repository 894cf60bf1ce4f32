// What a network makes of a picture, to look at: input, prediction and target side by side.
#pragma once

#include "base/result.h"
#include "frame/frame.h"
#include "frame/tensor.h"

namespace framelift {

// One 8-bit R'G'B' picture, panels labelled INPUT, PRED and GT, each at most 480 pixels wide (reduced by a whole
// factor). All f32 [1,3,H,W]; a smaller input is enlarged to the target's size. With `linear_light`, values are shown
// as log(1 + x) / log(1 + the target's largest); else as they are, cut off at 0 and 1.
Result<Frame> panel_picture(const Tensor& input, const Tensor& prediction, const Tensor& target, bool linear_light);

}  // namespace framelift
