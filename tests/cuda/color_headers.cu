// The colour maths that CPU and GPU share, in a kernel: that every header compiles for both. Nothing runs.
#include "color/color_info.h"
#include "color/ictcp.h"
#include "color/matrix.h"
#include "color/pq.h"
#include "color/primaries.h"
#include "color/pu21.h"
#include "color/transfer.h"
#include "frame/pixel_kernels.h"

__global__ void use(float* values, framelift::MatrixCoefficients matrix, framelift::ColorRange range) {
  using namespace framelift;
  const CodeToRgb to_rgb = code_to_rgb(matrix, range, 10);
  const RgbToCode to_code = rgb_to_code(matrix, range, 10);
  float v = values[threadIdx.x];
  v = pq_inverse_eotf(pq_eotf(v) * to_rgb.y_scale + to_code.offset[0]);
  v = bt709_oetf(srgb_eotf(v)) + bt709_inverse_oetf(srgb_inverse_eotf(v));
  values[threadIdx.x] = v + dither_offset(0, 1, 2);
}
