// A picture at a fraction of its size, for networks that look at the whole frame.
#pragma once

#include <vector>

#include "frame/tensor.h"

namespace framelift {

enum class Reduction : uint8_t {
  // MATLAB's imresize as the SDR-to-HDR networks were trained with: cubic convolution (a = -0.5) widened by the factor,
  // borders mirrored with the edge repeated, size rounded up. Values may leave [0, 1] slightly.
  bicubic,
  // Interpolation between neighbours without a low-pass, half-pixel centres, size rounded down (at least 1).
  bilinear,
};

// Height or width after reducing by `factor`.
int reduced_size(int size, int factor, Reduction method);

inline constexpr int max_reduction = 16;

// source: f32 [1,C,H,W]; target: f32 [1,C,reduced H,reduced W]; factor 1..max_reduction. `scratch` keeps memory between
// calls: one row, allocated at the first.
void reduce(const TensorView& source, int factor, Reduction method, const TensorView& target,
            std::vector<float>& scratch);

}  // namespace framelift
