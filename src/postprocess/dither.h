// Ordered dither as rows of vectors want it.
#pragma once

#include <array>

#include "frame/write_pixel.h"

namespace framelift {

// What is added to each plane before rounding: the code's offset, and the dither matrix where asked. Rows are repeated
// to the right so that the longest vector of any instruction set can be loaded at any phase.
class BiasTable {
 public:
  BiasTable() = default;
  BiasTable(const float (&offset)[3], bool dither) {
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < dither_size; ++y)
        for (int x = 0; x < row_length; ++x)
          rows_[plane][y][x] = offset[plane] + (dither ? dither_offset(plane, x, y) : 0.0f);
  }

  // Bias from column x of row y on; repeats every dither_size.
  const float* row(int plane, int x, int y) const {
    return rows_[plane][y & (dither_size - 1)].data() + (x & (dither_size - 1));
  }

 private:
  static constexpr int longest_vector = 64;  // floats; SVE, 2048 bits
  static constexpr int row_length = 2 * dither_size + longest_vector;
  std::array<std::array<std::array<float, row_length>, dither_size>, 3> rows_{};
};

}  // namespace framelift
