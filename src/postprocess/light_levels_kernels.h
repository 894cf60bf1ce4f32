// The row kernel of LightMeter, dispatched at run time to the best instruction set of the machine.
#pragma once

#include <cstddef>

namespace framelift {

// The PQ EOTF is sampled at n / light_table_steps and interpolated in between. One sample more than needed, so that
// reading the two neighbours of code 1 stays inside.
inline constexpr size_t light_table_steps = 4096;
inline constexpr size_t light_table_size = light_table_steps + 2;

struct RowLight {
  float max_code = 0;
  float sum_nits = 0;
};

RowLight measure_row(const float* r, const float* g, const float* b, size_t n, const float* table);

}  // namespace framelift
