// Tensor -> Frame: planar RGB float to any pixel format, clamped, rounded, dithered where asked.
#pragma once

#include "base/result.h"
#include "frame/frame.h"
#include "frame/region.h"
#include "frame/tensor.h"

namespace framelift {

// Prepared for one pixel format and colour; immutable afterwards, so any number of threads may call it.
class TensorToFrame {
 public:
  // `dither`: ordered dither of one output step, a function of the absolute pixel position only; for outputs with
  // fewer bits than the source. Without it values round to nearest (ties to even).
  static Result<TensorToFrame> create(const PixelFormat& format, const ColorInfo& color, bool dither);

  // Pixels of context that run() needs around the written region for chroma subsampling (0 without subsampling);
  // beyond the picture's border there is none to give.
  int margin() const;

  // `src` is f32 [1, 3, h, w] and covers `covered` (h x w pixels) of the output picture; may reach beyond it.
  // Writes `region` of dst: region starts on even coordinates if chroma is subsampled, and ends on even ones or at
  // the picture's border; `covered` contains it with margin() pixels around it, except outside the picture.
  // Gray takes luma (BT.709 weights unless the matrix says otherwise). Alpha is set to opaque. NaN becomes black.
  void run(const TensorView& src, const Region& covered, const Region& region, const Frame& dst) const;

 private:
  TensorToFrame() = default;
  PixelFormat format_;
  ColorInfo color_;
  bool dither_ = false;
};

}  // namespace framelift
