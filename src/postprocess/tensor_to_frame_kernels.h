// Row kernels of TensorToFrame, dispatched at run time to the best instruction set of the machine. Multiplications and
// additions are never fused, so that every instruction set gives the same bits as the scalar reference.
#pragma once

#include <cstddef>

#include "color/matrix.h"
#include "frame/chroma.h"

namespace framelift {

struct RgbRow {
  const float* channel[3] = {};
};

// Where codes go: bias (offset of the code plus dither) is added, the sum clamped to 0..top and rounded to nearest
// even. NaN counts as 0 before the bias: black, or colourless.
struct CodeRow {
  void* data = nullptr;
  const float* bias = nullptr;  // see BiasTable::row
  float top = 255;              // above 255: 16-bit samples
};

// code = scale * value, for one channel.
void signal_row_to_code(const float* signal, float scale, size_t n, CodeRow out);

// The first `planes` (1 or 3) of Y, U, V at full resolution.
void rgb_row_to_codes(const RgbToCode& transform, RgbRow rgb, size_t n, int planes, const CodeRow* out);

// Luma codes of one or two rows (none where luma.data is null), and their mean chroma in code values without offset.
// With two rows, what lies `prefetch` floats further in memory is fetched into the cache; 0: nothing.
void rgb_rows_to_luma_and_chroma(const RgbToCode& transform, const RgbRow* rgb, int rows, size_t n, size_t prefetch,
                                 const CodeRow* luma, float* u, float* v);

// Halves a chroma row horizontally: out[k], k < n, from in[2k - 2] to in[2k + 2], all of which are present.
void downsample_row(Siting siting, const float* in, size_t n, float* out);

// LeGall 5/3 over five rows.
void downsample_rows_to_code(const float* const (&rows)[5], size_t n, CodeRow out);

// Halves horizontally as above (unless siting is none) and quantises.
void downsample_row_to_code(Siting siting, const float* in, size_t n, CodeRow out);

}  // namespace framelift
