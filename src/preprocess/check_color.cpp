#include "preprocess/check_color.h"

#include "color/matrix.h"

namespace framelift {

Status check_color(const PixelFormat& format, const ColorInfo& color) {
  if (format.is_float() && format.family == ColorFamily::yuv)
    return fail(ErrorCode::unsupported, "floating-point pictures are RGB or gray, not YUV");
  if (!format.is_float() && (format.bits < 8 || format.bits > 16))
    return fail(ErrorCode::invalid_argument, "{} bits per sample; 8 to 16 and 32 (float) can be converted",
                format.bits);
  if (format.chroma_shift_x > 1 || format.chroma_shift_y > 1)
    return fail(ErrorCode::unsupported, "chroma subsampled by more than two (4:1:1, 4:1:0) cannot be converted");
  if (color.range == ColorRange::unspecified)
    return fail(ErrorCode::invalid_argument, "the range (limited or full) of {} pictures is not specified",
                to_string(format));
  if (format.family != ColorFamily::yuv) return {};
  const auto code = static_cast<int>(color.matrix);
  if (color.matrix == MatrixCoefficients::unspecified || color.matrix == MatrixCoefficients::rgb)
    return fail(ErrorCode::invalid_argument, "{} pictures need a YUV matrix, but theirs is {}", to_string(format),
                code);
  if (!has_luma_weights(color.matrix) && color.matrix != MatrixCoefficients::ycgco)
    return fail(ErrorCode::unsupported,
                "matrix coefficients {} (H.273) are not supported; convert to BT.2020 non-constant luminance or BT.709 "
                "first",
                code);
  if ((format.chroma_shift_x || format.chroma_shift_y) && color.chroma_location == ChromaLocation::unspecified)
    return fail(ErrorCode::invalid_argument, "the chroma location of {} pictures is not specified", to_string(format));
  return {};
}

}  // namespace framelift
