// The row kernel of LightMeter, dispatched at run time to the best instruction set of the machine.
#pragma once

#include <cstddef>

namespace framelift {

struct RowLight {
  float max_code = 0;  // largest R, G or B, within 0..1
  float sum_nits = 0;  // of every pixel's largest component
};

// R, G, B are PQ-coded. Light is right to 2e-5 of its value from code 1/16 (0.1 cd/m2) on, and to 0.001 cd/m2 below
// (tested over 65536 codes).
RowLight measure_row(const float* r, const float* g, const float* b, size_t n);

}  // namespace framelift
