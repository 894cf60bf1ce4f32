#include "color/matrix.h"

#include <gtest/gtest.h>

namespace framelift {
namespace {

constexpr MatrixCoefficients matrices[] = {MatrixCoefficients::bt709,     MatrixCoefficients::fcc,
                                           MatrixCoefficients::bt470bg,   MatrixCoefficients::smpte170m,
                                           MatrixCoefficients::smpte240m, MatrixCoefficients::ycgco,
                                           MatrixCoefficients::bt2020_ncl};

TEST(Matrix, InverseTimesForwardIsIdentity) {
  for (MatrixCoefficients matrix : matrices) {
    const Matrix3 forward = ycbcr_from_rgb(matrix), inverse = rgb_from_ycbcr(matrix);
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) {
        double sum = 0;
        for (int k = 0; k < 3; ++k) sum += inverse.m[i][k] * forward.m[k][j];
        EXPECT_NEAR(sum, i == j ? 1 : 0, 1e-15) << static_cast<int>(matrix) << " at " << i << ", " << j;
      }
  }
}

TEST(Matrix, WhiteIsNeutralAndPrimariesReachHalf) {
  for (MatrixCoefficients matrix : matrices) {
    const Matrix3 m = ycbcr_from_rgb(matrix);
    EXPECT_NEAR(m.m[0][0] + m.m[0][1] + m.m[0][2], 1, 1e-15);
    for (int i = 1; i < 3; ++i) EXPECT_NEAR(m.m[i][0] + m.m[i][1] + m.m[i][2], 0, 1e-15);
    if (!has_luma_weights(matrix)) continue;
    EXPECT_DOUBLE_EQ(m.m[1][2], 0.5);
    EXPECT_DOUBLE_EQ(m.m[2][0], 0.5);
  }
}

TEST(Quantization, FollowsH273) {
  const Quantization q8 = quantization(MatrixCoefficients::bt709, ColorRange::limited, 8);
  EXPECT_EQ(q8.luma_offset, 16);
  EXPECT_EQ(q8.luma_offset + q8.luma_span, 235);
  EXPECT_EQ(q8.chroma_offset, 128);
  EXPECT_EQ(q8.chroma_span, 224);
  const Quantization q10 = quantization(MatrixCoefficients::bt2020_ncl, ColorRange::limited, 10);
  EXPECT_EQ(q10.luma_offset, 64);
  EXPECT_EQ(q10.luma_offset + q10.luma_span, 940);
  EXPECT_EQ(q10.chroma_offset, 512);
  EXPECT_EQ(q10.chroma_span, 896);
  const Quantization full = quantization(MatrixCoefficients::bt709, ColorRange::full, 12);
  EXPECT_EQ(full.luma_offset, 0);
  EXPECT_EQ(full.luma_span, 4095);
  EXPECT_EQ(full.chroma_offset, 2048);
  EXPECT_EQ(full.chroma_span, 4095);
}

TEST(CodeTransform, KnownCodes) {
  // 75% BT.709 blue in 8-bit limited range, as on every colour-bar chart: Y 28, Cb 212, Cr 120.
  const CodeToRgb t = code_to_rgb(MatrixCoefficients::bt709, ColorRange::limited, 8);
  const float y = (28 - t.y_offset) * t.y_scale, u = 212 - t.c_offset, v = 120 - t.c_offset;
  EXPECT_NEAR(y + t.chroma[0][0] * u + t.chroma[0][1] * v, 0, 0.005);
  EXPECT_NEAR(y + t.chroma[1][0] * u + t.chroma[1][1] * v, 0, 0.005);
  EXPECT_NEAR(y + t.chroma[2][0] * u + t.chroma[2][1] * v, 0.75, 0.005);
}

}  // namespace
}  // namespace framelift
