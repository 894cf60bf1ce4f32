// Resizing by any factor with zimg, chroma siting honoured: for networks of one input size, for output sizes other than
// the network's scale and for the alpha planes that networks ignore.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "frame/frame.h"

namespace framelift {

struct PictureLayout {
  PixelFormat format;
  int width = 0;
  int height = 0;
  ColorInfo color;  // fully specified (see resolve_color in color/resolve.h)
};

// Filters over the smaller picture's pixels: where pictures shrink they are as much wider in the source, whose pixels
// all count.
enum class ResizeFilter {
  lanczos,   // three lobes: sharpest, for pictures that somebody looks at
  bilinear,  // a triangle: a third of the work, and what networks that find classes are trained on
};

// The same picture at full chroma resolution and depth, so that nothing rounds twice when more follows.
PixelFormat full_detail(PixelFormat format);

// Resizes and converts whole frames: size, depth, subsampling, range, matrix; also transfer and primaries where zimg
// can. Floats are not clamped; NaN spreads as far as the filter reaches. Alpha is resized by itself, as a gray plane;
// where only the destination has alpha it becomes opaque. All memory is allocated by create(). One thread at a time.
class Resizer {
 public:
  // `dither`: ordered dither where depth falls. Errors: invalid_argument (empty size), unsupported (zimg cannot convert
  // between the two; the message has its reason).
  static Result<Resizer> create(const PictureLayout& src, const PictureLayout& dst, bool dither,
                                ResizeFilter filter = ResizeFilter::lanczos);
  ~Resizer();
  Resizer(Resizer&&) noexcept;
  Resizer& operator=(Resizer&&) noexcept;

  // src may have any alignment and stride. dst comes from a FramePool. Both have the formats and sizes given to
  // create(). Writes the planes of dst only. Errors: invalid_argument, internal.
  Status run(const Frame& src, Frame& dst);

  // A part of a row of what run() would have made, with its place; its planes are gone when the call is over. Without
  // alpha.
  using TakePart = std::function<void(int x, int y, const Frame& part)>;
  // The same in one pass over memory: rows go to `take` as they are made, some of their pixels more than once. For
  // destinations without subsampled chroma. Errors: as run().
  Status run_rows(const Frame& src, const TakePart& take);

 private:
  struct State;
  explicit Resizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The same, with Lanczos, for a single full-range plane, such as alpha. Bits as in PixelFormat: 32 are floats, 1 = a
// full code.
class PlaneResizer {
 public:
  static Result<PlaneResizer> create(int src_width, int src_height, int src_bits, int dst_width, int dst_height,
                                     int dst_bits);
  ~PlaneResizer();
  PlaneResizer(PlaneResizer&&) noexcept;
  PlaneResizer& operator=(PlaneResizer&&) noexcept;

  // Both views have the sizes given to create(), and any alignment.
  Status run(const PlaneView& src, const PlaneView& dst);

 private:
  struct State;
  explicit PlaneResizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace framelift
