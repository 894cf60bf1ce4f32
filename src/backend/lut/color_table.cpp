#include "backend/lut/color_table.h"

#include <algorithm>
#include <cstring>

namespace framelift {

ColorTable::ColorTable(const ColorGrid& grid)
    : grid_(grid),
      // Written once, so that no page is new to the process when a frame with new colours comes.
      values_(Tensor::filled({static_cast<int64_t>(grid.size()), 4}, 0)),
      states_(DType::u8, {static_cast<int64_t>(grid.size())}) {
  for (int k = 0; k < grid.points; ++k) coordinates_.push_back(grid.coordinate(k));
  forget();
}

void ColorTable::forget() { std::memset(states_.data(), unknown, states_.bytes()); }

void ColorTable::want(const float* const (&src)[3], size_t n) {
  mark_color_table(grid_, states_.as<uint8_t>(), src, n);
}

size_t ColorTable::next_batch(Cursor& cursor, float* planes, uint32_t* points, size_t capacity) {
  constexpr uint64_t any_wanted = 0x0101010101010101 * wanted;
  const int n = grid_.points;
  size_t count = 0;
  for (; cursor.red < cursor.red_end; ++cursor.red, cursor.green = 0)
    for (; cursor.green < n; ++cursor.green, cursor.blue = 0) {
      const int row = cursor.red * grid_.red_step() + cursor.green * grid_.green_step();
      uint8_t* const states = states_.as<uint8_t>() + row;
      for (; cursor.blue < n; cursor.blue += 8) {
        uint64_t eight;
        std::memcpy(&eight, states + cursor.blue, sizeof eight);
        if ((eight & any_wanted) == 0) continue;
        if (count + 8 > capacity) return count;
        for (int b = cursor.blue; b < cursor.blue + 8; ++b) {
          if (states[b] != wanted) continue;
          states[b] = known;
          planes[count] = coordinates_[static_cast<size_t>(cursor.red)];
          planes[capacity + count] = coordinates_[static_cast<size_t>(cursor.green)];
          planes[2 * capacity + count] = coordinates_[static_cast<size_t>(b)];
          points[count++] = static_cast<uint32_t>(row + b);
        }
      }
    }
  return count;
}

void ColorTable::set(const uint32_t* points, size_t n, const float* planes, size_t capacity) {
  float* const values = values_.as<float>();
  for (size_t i = 0; i < n; ++i) {
    float* const value = values + 4 * size_t{points[i]};
    for (size_t c = 0; c < 3; ++c) value[c] = planes[c * capacity + i];
  }
}

void ColorTable::apply(const float* const (&src)[3], size_t n, float* const (&dst)[3]) const {
  apply_color_table(grid_, values_.as<float>(), src, n, dst);
}

void ColorTable::apply_reference(const float* const (&src)[3], size_t n, float* const (&dst)[3]) const {
  apply_color_table_reference(grid_, values_.as<float>(), src, n, dst);
}

}  // namespace framelift
