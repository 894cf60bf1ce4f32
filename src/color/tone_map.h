// HDR -> SDR for a BT.709 display.
//   Luminance: the EETF of Report ITU-R BT.2408 Annex 5 (section 5.4.1 of Report BT.2390 up to its revision 8), applied
//              to the largest of R, G and B ("maxRGB"), the others along with it: hues stay, nothing exceeds the peak.
//   Gamut:     as gamut_map.h has it; what is brighter than white is clipped.
#pragma once

#include "base/result.h"
#include "color/color_info.h"
#include "color/gamut_map.h"

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
  const GamutMap& gamut() const { return gamut_; }

 private:
  ToneMap(double peak_nits, const GamutMap& gamut);

  TransferCharacteristic transfer_ = TransferCharacteristic::pq;
  double peak_nits_;
  Eetf eetf_;
  GamutMap gamut_;
};

}  // namespace framelift
