// Tensor -> Frame: planar RGB float to any pixel format, clamped, rounded, dithered where asked.
#pragma once

#include "base/result.h"
#include "color/matrix.h"
#include "frame/frame.h"
#include "frame/region.h"
#include "frame/tensor.h"
#include "frame/write_pixel.h"
#include "postprocess/dither.h"

namespace framelift {

// Prepared for one pixel format and colour; immutable afterwards, so any number of threads may call it.
class TensorToFrame {
 public:
  // `dither`: ordered dither of one output step, a function of the absolute pixel position only; for outputs with
  // fewer bits than the source. Without it values round to nearest (ties to even). Errors as FrameToTensor::create.
  static Result<TensorToFrame> create(const PixelFormat& format, const ColorInfo& color, bool dither);

  // Pixels of context that run() needs around the written region for chroma subsampling (0 without subsampling);
  // beyond the picture's border there is none to give.
  int margin() const;

  // `src` is f32 [1, 3, h, w] and covers `covered` (h x w pixels) of the output picture; may reach beyond it.
  // Writes `region` of dst: region starts on even coordinates if chroma is subsampled, and ends on even ones or at
  // the picture's border; `covered` contains it with margin() pixels around it, except outside the picture.
  // Gray takes luma (BT.709 weights unless the matrix says otherwise). Alpha is set to opaque. NaN becomes black, and
  // colourless in the chroma samples it takes part in.
  // Codes are clamped to 0..2^bits - 1 in either range, so that foot- and headroom survive.
  // Floating-point formats take the values as they are: nothing is clamped, rounded or dithered, NaN and infinities
  // stay.
  void run(const TensorView& src, const Region& covered, const Region& region, const Frame& dst) const;

  // The same codes, pixel by pixel in plain C++: the oracle of run() in tests.
  void run_reference(const TensorView& src, const Region& covered, const Region& region, const Frame& dst) const;

  // For devices that do it themselves; not of floating-point formats.
  const PixelWriting& writing() const { return writing_; }

 private:
  TensorToFrame() = default;
  template <class Sample>
  void reference(const TensorView& src, const Region& covered, const Region& region, const Frame& dst) const;
  void reference_floats(const TensorView& src, const Region& covered, const Region& region, const Frame& dst) const;

  PixelFormat format_;
  PixelWriting writing_;
  BiasTable bias_;
};

}  // namespace framelift
