// Grid and row kernels of ColorTable; the kernels are compiled for several instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace framelift {

// Points along each axis of the RGB cube, from 0 to 1: one step between them near black, another in the middle, a third
// near white. The position of x counted in cells is
//   max(min(low_rate * x, rate * x + low_offset), high_rate * x + high_offset)
// which is linear inside each cell, as the ends of the parts are points.
struct ColorGrid {
  float low_rate = 0, rate = 0, high_rate = 0;  // points per unit; the middle one is the smallest
  float low_offset = 0, high_offset = 0;
  int points = 0;

  // Below `low` `low_rate` points per unit, and so on; low and high are multiples of the steps on both sides.
  static constexpr ColorGrid graded(int low_rate, float low, int rate, float high, int high_rate) {
    const float low_offset = static_cast<float>(low_rate - rate) * low;
    const float high_offset = low_offset - static_cast<float>(high_rate - rate) * high;
    return {static_cast<float>(low_rate),
            static_cast<float>(rate),
            static_cast<float>(high_rate),
            low_offset,
            high_offset,
            high_rate + static_cast<int>(high_offset) + 1};
  }
  // points >= 2
  static constexpr ColorGrid uniform(int points) { return graded(points - 1, 0, points - 1, 1, points - 1); }

  // Where a point is in memory: red slowest, blue fastest, rows of blue padded to a multiple of 8 points.
  constexpr int green_step() const { return (points + 7) / 8 * 8; }
  constexpr int red_step() const { return green_step() * points; }
  constexpr size_t size() const { return static_cast<size_t>(red_step()) * static_cast<size_t>(points); }

  // The coordinate of a point, the inverse of the position.
  constexpr float coordinate(int point) const {
    const float p = static_cast<float>(point);
    const float low = p / low_rate, middle = (p - low_offset) / rate, high = (p - high_offset) / high_rate;
    const float x = low > middle ? low : middle;
    return x < high ? x : high;
  }
};

// See ColorTable::apply. `table`: four floats for each point, 16-byte aligned.
void apply_color_table(const ColorGrid& grid, const float* table, const float* const (&src)[3], size_t n,
                       float* const (&dst)[3]);
void apply_color_table_reference(const ColorGrid& grid, const float* table, const float* const (&src)[3], size_t n,
                                 float* const (&dst)[3]);

// Sets to 1 the states that are 0 of the points that apply_color_table reads for these colours. Several threads may do
// so at once.
void mark_color_table(const ColorGrid& grid, uint8_t* states, const float* const (&src)[3], size_t n);
void mark_color_table_reference(const ColorGrid& grid, uint8_t* states, const float* const (&src)[3], size_t n);

}  // namespace framelift
