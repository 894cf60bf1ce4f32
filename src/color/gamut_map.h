// Linear RGB of any primaries -> linear BT.709: a matrix, and colours near and beyond the edge of BT.709 drawn towards
// the gray of their own luminance so that no component is negative.
#pragma once

#include "color/primaries.h"

namespace framelift {

// Of luminance in linear BT.709 RGB, as the chromaticities give them (0.2126, 0.7152, 0.0722).
inline constexpr double bt709_luminance_weights[3] = {
    rgb_to_xyz(ColorPrimaries::bt709).m[1][0],
    rgb_to_xyz(ColorPrimaries::bt709).m[1][1],
    rgb_to_xyz(ColorPrimaries::bt709).m[1][2],
};

double bt709_luminance(const double (&rgb)[3]);

class GamutMap {
 public:
  explicit GamutMap(const Matrix3& to_bt709);
  explicit GamutMap(const Primaries& from) : GamutMap(rgb_to_rgb(from, chromaticities(ColorPrimaries::bt709))) {}

  // In place. Colours that the source's primaries cannot make from positive amounts may still come out negative.
  void run(double (&rgb)[3]) const;

  // The parts of it.
  const Matrix3& to_bt709() const { return matrix_; }
  // How far a colour's smallest component lies below its luminance, relative to it: 0 is gray, 1 on the gamut's edge.
  // From desaturation_start on, up to the limit that the source's primaries reach, this is compressed to end at 1:
  //   d' = s + (d - s) / (1 + (d - s) / k)   with s the start and k such that the limit becomes 1.
  // The curve is that of the ACES Reference Gamut Compression with power 1. 0: nothing to compress.
  static constexpr double desaturation_start = 0.9;
  double desaturation_bend() const { return bend_; }  // k

 private:
  Matrix3 matrix_;
  double bend_;
};

}  // namespace framelift
