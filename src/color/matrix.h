// YCbCr <-> RGB and quantisation exactly as ITU-T H.273 writes them, folded into the affine transforms that turn code
// values into RGB and back. Header only, constexpr, compiled for the CPU and (under nvcc) for CUDA.
#pragma once

#include "base/host_device.h"
#include "color/color_info.h"

namespace framelift {

struct LumaWeights {
  double kr = 0, kb = 0;  // Y = kr R + (1 - kr - kb) G + kb B
};

// True where YCbCr follows from luma weights alone ("non-constant luminance").
FRAMELIFT_HD constexpr bool has_luma_weights(MatrixCoefficients matrix) {
  switch (matrix) {
    case MatrixCoefficients::bt709:
    case MatrixCoefficients::fcc:
    case MatrixCoefficients::bt470bg:
    case MatrixCoefficients::smpte170m:
    case MatrixCoefficients::smpte240m:
    case MatrixCoefficients::bt2020_ncl: return true;
    default: return false;
  }
}

// The weights of BT.709 where the matrix has none of its own.
FRAMELIFT_HD constexpr LumaWeights luma_weights(MatrixCoefficients matrix) {
  switch (matrix) {
    case MatrixCoefficients::fcc: return {0.30, 0.11};
    case MatrixCoefficients::bt470bg:
    case MatrixCoefficients::smpte170m: return {0.299, 0.114};
    case MatrixCoefficients::smpte240m: return {0.212, 0.087};
    case MatrixCoefficients::bt2020_ncl:
    case MatrixCoefficients::bt2020_cl: return {0.2627, 0.0593};
    case MatrixCoefficients::ycgco: return {0.25, 0.25};
    default: return {0.2126, 0.0722};
  }
}

struct Matrix3 {
  double m[3][3] = {};
};

// RGB in 0..1 -> (Y in 0..1, plane 1 and plane 2 in -0.5..0.5). For has_luma_weights() and ycgco (planes Y, Cg, Co).
FRAMELIFT_HD constexpr Matrix3 ycbcr_from_rgb(MatrixCoefficients matrix) {
  const LumaWeights w = luma_weights(matrix);
  const double kr = w.kr, kb = w.kb, kg = 1 - kr - kb;
  if (matrix == MatrixCoefficients::ycgco) return {{{0.25, 0.5, 0.25}, {-0.25, 0.5, -0.25}, {0.5, 0, -0.5}}};
  const double u = 0.5 / (1 - kb), v = 0.5 / (1 - kr);
  return {{{kr, kg, kb}, {-kr * u, -kg * u, 0.5}, {0.5, -kg * v, -kb * v}}};
}

// The inverse. The first column is 1 for every matrix: luma enters R, G and B alike.
FRAMELIFT_HD constexpr Matrix3 rgb_from_ycbcr(MatrixCoefficients matrix) {
  const LumaWeights w = luma_weights(matrix);
  const double kr = w.kr, kb = w.kb, kg = 1 - kr - kb;
  if (matrix == MatrixCoefficients::ycgco) return {{{1, -1, 1}, {1, 1, 0}, {1, -1, -1}}};
  return {{{1, 0, 2 * (1 - kr)}, {1, -2 * (1 - kb) * kb / kg, -2 * (1 - kr) * kr / kg}, {1, 2 * (1 - kb), 0}}};
}

// Code value = offset + span * signal.
struct Quantization {
  double luma_offset = 0, luma_span = 1;
  double chroma_offset = 0, chroma_span = 1;
};

// H.273 equations 22 to 34. YCgCo is computed from quantised RGB there, so that its chroma has luma's span.
FRAMELIFT_HD constexpr Quantization quantization(MatrixCoefficients matrix, ColorRange range, int bits) {
  const double step = static_cast<double>(1 << (bits - 8)), center = static_cast<double>(1 << (bits - 1));
  if (range == ColorRange::full) {
    const double top = static_cast<double>((1 << bits) - 1);
    return {0, top, center, top};
  }
  return {16 * step, 219 * step, center, (matrix == MatrixCoefficients::ycgco ? 219 : 224) * step};
}

// RGB[i] = (y - y_offset) * y_scale + (chroma[i][0] * (u - c_offset) + chroma[i][1] * (v - c_offset))
// with y, u, v in code values. In this form neutral codes give R = G = B exactly.
struct CodeToRgb {
  float y_offset = 0, y_scale = 1;
  float c_offset = 0;
  float chroma[3][2] = {};
};

FRAMELIFT_HD constexpr CodeToRgb code_to_rgb(MatrixCoefficients matrix, ColorRange range, int bits) {
  const Matrix3 inverse = rgb_from_ycbcr(matrix);
  const Quantization q = quantization(matrix, range, bits);
  CodeToRgb t;
  t.y_offset = static_cast<float>(q.luma_offset);
  t.y_scale = static_cast<float>(1 / q.luma_span);
  t.c_offset = static_cast<float>(q.chroma_offset);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 2; ++j) t.chroma[i][j] = static_cast<float>(inverse.m[i][j + 1] / q.chroma_span);
  return t;
}

// code[i] = offset[i] + (m[i][0] R + m[i][1] G + m[i][2] B)
struct RgbToCode {
  float m[3][3] = {};
  float offset[3] = {};
};

FRAMELIFT_HD constexpr RgbToCode rgb_to_code(MatrixCoefficients matrix, ColorRange range, int bits) {
  const Matrix3 forward = ycbcr_from_rgb(matrix);
  const Quantization q = quantization(matrix, range, bits);
  RgbToCode t;
  for (int i = 0; i < 3; ++i) {
    t.offset[i] = static_cast<float>(i == 0 ? q.luma_offset : q.chroma_offset);
    for (int j = 0; j < 3; ++j)
      t.m[i][j] = static_cast<float>(forward.m[i][j] * (i == 0 ? q.luma_span : q.chroma_span));
  }
  return t;
}

}  // namespace framelift
