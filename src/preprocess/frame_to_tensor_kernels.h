// Row kernels of FrameToTensor, dispatched at run time to the best instruction set of the machine. Multiplications and
// additions are never fused, so that every instruction set gives the same bits as the scalar reference.
#pragma once

#include <cstddef>

#include "color/matrix.h"
#include "frame/chroma.h"

namespace framelift {

// Samples of one to two bytes; all rows handed to one call have the same sample size.
struct SampleRow {
  const void* data = nullptr;
  int bytes_per_sample = 1;
};

// out[i] = (row[i] - y_offset) * y_scale
void code_row_to_signal(const CodeToRgb& transform, SampleRow row, size_t n, float* out);

// Code values to R, G, B rows of n floats, without subsampling.
void yuv_row_to_rgb(const CodeToRgb& transform, SampleRow y, SampleRow u, SampleRow v, size_t n,
                    float* const (&rgb)[3]);

// The pair of full-resolution rows around a chroma row: (filtered code - center) * scale, scale a power of two.
// Without vertical subsampling only `even` is written.
void filter_chroma_rows(Siting siting, SampleRow before, SampleRow here, SampleRow after, float center, float scale,
                        size_t n, float* even, float* odd);

// What filter_chroma_rows() has to scale by for the horizontal filter to come.
constexpr float chroma_row_scale(Siting siting) { return siting == Siting::cosited ? 0.5f : 1.0f; }

// Luma codes and rows from filter_chroma_rows(), which are upsampled horizontally on the way. u[0] and v[0] belong to
// the first pixel; where subsampled, that pixel is number `phase` (0 or 1) of their pair, and u[-1] to u[(n + phase +
// 1) / 2] are present.
void subsampled_row_to_rgb(const CodeToRgb& transform, Siting siting, size_t phase, SampleRow y, const float* u,
                           const float* v, size_t n, float* const (&rgb)[3]);

}  // namespace framelift
