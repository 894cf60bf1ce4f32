// Frame -> Tensor: any pixel format to planar RGB float, one pass over memory.
#pragma once

#include "base/result.h"
#include "color/matrix.h"
#include "frame/frame.h"
#include "frame/read_pixel.h"
#include "frame/region.h"
#include "frame/tensor.h"

namespace framelift {

// Where rows of R, G and B go, in floats: the first red one, and how far apart rows and planes are.
struct PlanarRgb {
  float* first = nullptr;
  int64_t row = 0, plane = 0;
};

// Prepared for one pixel format and colour; immutable afterwards, so any number of threads may call it.
class FrameToTensor {
 public:
  // `color` is fully specified (see resolve_color in color/resolve.h). Errors: unsupported (BT.2020 constant
  // luminance, ICtCp), invalid_argument (unspecified members, impossible pixel format).
  static Result<FrameToTensor> create(const PixelFormat& format, const ColorInfo& color);

  // Writes `region` of the frame into dst, f32 [1, 3, region.height, region.width]: R, G, B with 0 = black and
  // 1 = white, not clamped (limited-range foot- and headroom survives). Gray becomes three equal planes; alpha is
  // ignored. Floating-point samples are copied as they are, NaN and infinities too. Chroma is interpolated according to
  // the chroma location. The region may reach beyond the picture on any side: those pixels are the reflection of the
  // picture without repeating the edge pixel (numpy "reflect"). A pixel's value does not depend on the region it is
  // asked in. Allocates nothing (line buffers are per thread and grow to the widest region seen).
  void run(const Frame& frame, const Region& region, const TensorView& dst) const {
    run(frame, region, {dst.as<float>(), region.width, int64_t{region.width} * region.height});
  }
  // The same into a part of larger planes.
  void run(const Frame& frame, const Region& region, const PlanarRgb& dst) const;

  // The same values to the last bit, pixel by pixel in plain C++: the oracle of run() in tests.
  void run_reference(const Frame& frame, const Region& region, const TensorView& dst) const;

  // For devices that do it themselves.
  const PixelReading& reading() const { return reading_; }

 private:
  FrameToTensor() = default;
  template <class Sample>
  void reference(const Frame& frame, const Region& region, const TensorView& dst) const;

  PixelFormat format_;
  PixelReading reading_;
};

}  // namespace framelift
