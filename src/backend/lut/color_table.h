// A function from colour to colour as a table on a grid over the RGB cube, made only where pictures need it, and its
// value between the grid's points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/lut/color_table_kernels.h"
#include "frame/tensor.h"

namespace framelift {

class ColorTable {
 public:
  // Values are not known yet.
  explicit ColorTable(const ColorGrid& grid);

  const ColorGrid& grid() const { return grid_; }

  // No value is known any more.
  void forget();

  // Notes the points that apply() will read for these n colours. May run on several threads at once.
  void want(const float* const (&src)[3], size_t n);

  // Goes over the wanted points of the planes [red, red_end) once after want(), a batch at a time.
  struct Cursor {
    int red = 0, red_end = 0, green = 0, blue = 0;
  };
  // The next points that are wanted and not known: their colours into three planes of `capacity` values each, and what
  // set() wants to know. Returns how many, 0 at the end. Counts them as known from then on.
  // Several threads may do so at once, with different planes.
  size_t next_batch(Cursor& cursor, float* planes, uint32_t* points, size_t capacity);
  // Takes the values of such a batch, in the same order and layout.
  void set(const uint32_t* points, size_t n, const float* planes, size_t capacity);

  // dst[c][i] = value at (src[0][i], src[1][i], src[2][i]) for i in [0, n), all of them wanted before and set.
  // Coordinates outside [0, 1] are clamped, NaN becomes 0. Between the points the value is linear in each of the six
  // tetrahedra that a cell is cut into along its grey diagonal, so greys lie between greys only. The planes do not
  // overlap.
  void apply(const float* const (&src)[3], size_t n, float* const (&dst)[3]) const;
  // The same in plain C++, one pixel after the other; equal bit for bit.
  void apply_reference(const float* const (&src)[3], size_t n, float* const (&dst)[3]) const;

 private:
  enum State : uint8_t { unknown = 0, wanted = 1, known = 2 };

  ColorGrid grid_;
  std::vector<float> coordinates_;  // of the points of an axis
  // One point is 16 bytes, red, green, blue and a zero: one aligned load fetches it. A frame reads a few megabytes of
  // them in an order that follows its shapes, so the caches serve most of it.
  Tensor values_;
  Tensor states_;  // bytes of State
};

}  // namespace framelift
