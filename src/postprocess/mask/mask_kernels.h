// Row kernels of masks, dispatched at run time to the best instruction set of the machine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace framelift {

// Buffers marked "padded" hold so many floats beyond their contents, which are read or written and mean nothing.
inline constexpr size_t mask_row_padding = 64;

// sums[i] = line[i] + ... + line[i + window - 1] for n sums. `line` holds n + window - 1 floats, which are lost. Both
// padded.
void window_sums(float* line, size_t n, size_t window, float* sums);

// column[i] += in[i] - out[i]; means[i] = column[i] * scale.
void slide_column(const float* in, const float* out, double scale, size_t n, double* column, float* means);

// sums[i] += row[i], values outside of 0 to 1, and NaN, as the nearest.
void add_unit_row(const float* row, size_t n, float* sums);

// n pixels' mean R, G, B and mean products RR, RG, RB, GG, GB, BB, as nine planes `stride` floats apart. The products
// become the inverse of the covariance + epsilon.
void invert_covariances(float epsilon, size_t n, size_t stride, float* statistics);

// The line through each of n windows: `fit` is four planes `stride` floats apart, and holds the means of plane * R, G,
// B and of the plane; they become a (R, G, B) and b of plane = a . guide + b. `statistics`: of invert_covariances().
void fit_windows(const float* statistics, size_t n, size_t stride, float* fit);

// The places of n output samples between samples of a row: index and index + step's, and how far from the first.
struct StretchRow {
  const int32_t *low, *high;
  const float* weight;
};
// out[i] = row[low[i]] + (row[high[i]] - row[low[i]]) * weight[i]
void stretch_row(const StretchRow& at, const float* row, size_t n, float* out);

// What a matte's values become around one half.
struct MatteEdges {
  bool hard = false;   // 0 or 1, by which side of one half they are on
  float contrast = 1;  // 1 or more

  // Values of at most `low` become 0, those of at least `high` 1.
  float low() const { return hard ? 0.5f - 1e-6f : 0.5f - 0.5f / contrast; }
  float high() const { return hard ? 0.5f : 0.5f + 0.5f / contrast; }
};

// Rows of a (R, G, B) and b, `stride` floats apart, above and below a row of pixels.
struct FitRows {
  const float *upper, *lower;
  size_t stride;
  float weight;  // of the lower ones
};
// n pixels: a . guide + b, and then its edges. `guide`: rows of R, G, B; null: b alone.
void guided_row(const FitRows& fit, const float* const* guide, const MatteEdges& edges, size_t n, float* out);

}  // namespace framelift
