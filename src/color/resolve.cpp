#include "color/resolve.h"

namespace framelift {

ColorInfo resolve_color(ColorInfo c, int width, int height, bool is_rgb) {
  const bool hd = height >= 720 || width >= 1280;
  if (is_rgb)
    c.matrix = MatrixCoefficients::rgb;
  else if (c.matrix == MatrixCoefficients::rgb)
    c.matrix = MatrixCoefficients::unspecified;  // a wrong tag: these planes are not RGB
  if (c.matrix == MatrixCoefficients::unspecified) {
    if (c.primaries == ColorPrimaries::bt2020)
      c.matrix = MatrixCoefficients::bt2020_ncl;
    else
      c.matrix = hd || c.primaries == ColorPrimaries::bt709 ? MatrixCoefficients::bt709 : MatrixCoefficients::smpte170m;
  }
  if (c.primaries == ColorPrimaries::unspecified) {
    switch (c.matrix) {
      case MatrixCoefficients::bt2020_ncl:
      case MatrixCoefficients::bt2020_cl:
      case MatrixCoefficients::ictcp: c.primaries = ColorPrimaries::bt2020; break;
      case MatrixCoefficients::bt470bg: c.primaries = ColorPrimaries::bt470bg; break;
      case MatrixCoefficients::smpte170m: c.primaries = ColorPrimaries::smpte170m; break;
      case MatrixCoefficients::smpte240m: c.primaries = ColorPrimaries::smpte240m; break;
      default: c.primaries = ColorPrimaries::bt709;
    }
  }
  if (c.transfer == TransferCharacteristic::unspecified) {
    if (is_rgb)
      c.transfer = TransferCharacteristic::srgb;
    else
      c.transfer = c.matrix == MatrixCoefficients::smpte240m    ? TransferCharacteristic::smpte240m
                   : c.matrix == MatrixCoefficients::bt709      ? TransferCharacteristic::bt709
                   : c.matrix == MatrixCoefficients::bt2020_ncl ? TransferCharacteristic::bt2020_10
                                                                : TransferCharacteristic::smpte170m;
  }
  if (c.range == ColorRange::unspecified) c.range = is_rgb ? ColorRange::full : ColorRange::limited;
  if (c.chroma_location == ChromaLocation::unspecified)
    c.chroma_location = c.primaries == ColorPrimaries::bt2020 ? ChromaLocation::top_left : ChromaLocation::left;
  return c;
}

}  // namespace framelift
