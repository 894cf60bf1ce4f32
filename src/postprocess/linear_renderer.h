// Linear light as an SDR screen shows it, by a chosen curve.
#pragma once

#include <optional>

#include "base/result.h"
#include "color/display_curve.h"
#include "frame/frame.h"
#include "frame/picture_attributes.h"
#include "postprocess/resize.h"
#include "postprocess/tensor_to_frame.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {

// One thread at a time. All memory is allocated by create().
class LinearRenderer {
 public:
  // `src`: linear light; its primaries are those that `attributes` give, else those of its colour. `dst`: of the same
  // size, sRGB with BT.709 primaries. Light is multiplied by 2^exposure_ev. Dithered where depth falls. Errors:
  // unsupported (`src` is not linear, a matrix).
  static Result<LinearRenderer> create(const PictureLayout& src, const PictureAttributes& attributes,
                                       const PictureLayout& dst, DisplayCurve curve, double exposure_ev);

  // src and dst as the layouts say, dst from a FramePool. The curve sees the brightest of this frame. NaN, infinities
  // and light below 0 count as 0. Alpha is ignored: premultiplied colours are seen over black.
  void run(const Frame& src, const Frame& dst);

 private:
  LinearRenderer(FrameToTensor to_tensor, TensorToFrame to_frame, const GamutMap& gamut);

  FrameToTensor to_tensor_;
  TensorToFrame to_frame_;
  GamutMap gamut_;
  DisplayCurve curve_ = DisplayCurve::none;
  double exposure_ = 1, white_nits_ = 0;
  Tensor rgb_;  // the frame
};

}  // namespace framelift
