// HDR -> SDR for a BT.709 display.
//   Luminance: the EETF of Report ITU-R BT.2408 Annex 5 (section 5.4.1 of Report BT.2390 up to its revision 8), applied
//              to the largest of R, G and B ("maxRGB"), the others along with it: hues stay, nothing exceeds the peak.
//   Gamut:     a linear matrix; colours near and beyond the edge of BT.709 are drawn towards the gray of their own
//              luminance so that no component is negative; what is brighter than white is clipped.
#pragma once

#include "base/result.h"
#include "color/color_info.h"
#include "color/primaries.h"

namespace framelift {

// What SDR white stands for beside HDR: HDR Reference White, Report BT.2408 section 2.1.
inline constexpr double hdr_reference_white_nits = 203;

// The EETF for displays and contents with black at 0: identity below the knee, a Hermite spline in PQ above, that ends
// level at (source peak, target peak). Nits beyond the source's peak come out as the target's peak.
class Eetf {
 public:
  Eetf(double source_peak_nits, double target_peak_nits);
  double operator()(double nits) const;

 private:
  double source_peak_;     // in PQ, 0..1
  double max_lum_, knee_;  // the Report's maxLum and KS, relative to the source's peak
};

class ToneMap {
 public:
  // From PQ, or from HLG on a display of `peak_nits`. `peak_nits`: the brightest of the content, 100..10000 cd/m2;
  // light beyond is clipped. Errors: invalid_argument (not HDR, peak out of range), unsupported (HLG without BT.2020).
  static Result<ToneMap> create(TransferCharacteristic transfer, ColorPrimaries primaries, double peak_nits);

  // HDR R'G'B' (clamped to 0..1) -> SDR R'G'B' 0..1 with BT.709 primaries for the BT.1886 display (2.4, black 0), in
  // place. The reference of ToneMapper (preprocess/tone_mapper.h), which is fast.
  void run(double (&rgb)[3]) const;

  // The parts of it.
  // What a pixel's light is multiplied by, for `largest` component 0..1 of the content's peak; 1 becomes SDR white.
  double gain(double largest) const;
  const Matrix3& to_bt709() const { return matrix_; }
  // How far a colour's smallest component lies below its luminance, relative to it: 0 is gray, 1 on the gamut's edge.
  // From desaturation_start on, up to the limit that the source's primaries reach, this is compressed to end at 1:
  //   d' = s + (d - s) / (1 + (d - s) / k)   with s the start and k such that the limit becomes 1.
  // The curve is that of the ACES Reference Gamut Compression with power 1. 0: nothing to compress.
  static constexpr double desaturation_start = 0.9;
  double desaturation_bend() const { return bend_; }  // k

 private:
  ToneMap(double peak_nits, const Matrix3& matrix, double bend);

  TransferCharacteristic transfer_ = TransferCharacteristic::pq;
  double peak_nits_;
  Eetf eetf_;
  Matrix3 matrix_;
  double bend_;
};

// Of luminance in linear BT.709 RGB, as the chromaticities give them (0.2126, 0.7152, 0.0722).
inline constexpr double bt709_luminance_weights[3] = {
    rgb_to_xyz(ColorPrimaries::bt709).m[1][0],
    rgb_to_xyz(ColorPrimaries::bt709).m[1][1],
    rgb_to_xyz(ColorPrimaries::bt709).m[1][2],
};

}  // namespace framelift
