// What the kernels compute, one pixel after the other.
#include <algorithm>
#include <atomic>

#include "backend/lut/color_table_kernels.h"

namespace framelift {
namespace {

struct Tetrahedron {
  int point[4];
  float weight[4];
};

Tetrahedron find(const ColorGrid& grid, const float* const (&src)[3], size_t i) {
  const int steps[3] = {grid.red_step(), grid.green_step(), 1};
  int dark = 0;
  float fraction[3];
  for (int c = 0; c < 3; ++c) {
    const float x = std::min(src[c][i] > 0 ? src[c][i] : 0.0f, 1.0f);
    const float at =
        std::max(std::min(grid.low_rate * x, grid.rate * x + grid.low_offset), grid.high_rate * x + grid.high_offset);
    const int cell = std::min(static_cast<int>(at), grid.points - 2);
    fraction[c] = at - static_cast<float>(cell);
    dark += cell * steps[c];
  }
  // From the cell's dark corner to its bright one along the axes in the order of falling fractions.
  const float r = fraction[0], g = fraction[1], b = fraction[2];
  const float largest = std::max(std::max(r, g), b), smallest = std::min(std::min(r, g), b);
  const float middle = std::max(std::min(r, g), std::min(std::max(r, g), b));
  const int first = r == largest ? 0 : g == largest ? 1 : 2;
  const int third = b == smallest ? 2 : g == smallest ? 1 : 0;
  const int bright = dark + steps[0] + steps[1] + steps[2];
  return {{dark, dark + steps[first], bright - steps[third], bright},
          {1.0f - largest, largest - middle, middle - smallest, smallest}};
}

}  // namespace

void apply_color_table_reference(const ColorGrid& grid, const float* table, const float* const (&src)[3], size_t n,
                                 float* const (&dst)[3]) {
  for (size_t i = 0; i < n; ++i) {
    const Tetrahedron t = find(grid, src, i);
    const auto part = [&](int k, int c) { return table[4 * static_cast<ptrdiff_t>(t.point[k]) + c] * t.weight[k]; };
    for (int c = 0; c < 3; ++c) dst[c][i] = (part(0, c) + part(1, c)) + (part(2, c) + part(3, c));
  }
}

void mark_color_table_reference(const ColorGrid& grid, uint8_t* states, const float* const (&src)[3], size_t n) {
  for (size_t i = 0; i < n; ++i)
    for (int point : find(grid, src, i).point) {
      std::atomic_ref<uint8_t> state(states[point]);
      if (state.load(std::memory_order_relaxed) == 0) state.store(1, std::memory_order_relaxed);
    }
}

}  // namespace framelift
