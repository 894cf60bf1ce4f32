// SDR -> HDR without a network: the inverse tone mappings of Report ITU-R BT.2446-1, the classical baseline.
//   Method A (section 4.2): luma expanded by a power that depends on it, chroma along with it; white reaches the peak.
//   Method C (section 6, inverted): linear below 80% signal, exponential above, on luminance; made to be the exact
//            inverse of its tone mapping. HDR Reference White (75% HLG) comes from 96% SDR; 100% SDR lands at about a
//            third of the peak, and only super-white (107% at 1000 cd/m2) reaches it.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace framelift {

enum class Bt2446Method : uint8_t { a, c };

class Bt2446 {
 public:
  static constexpr double min_peak_nits = 200, max_peak_nits = 10000;
  static constexpr double sdr_white_nits = 100;

  // `peak_nits`: peak of the HDR display. The Report's Method A is for 1000 cd/m2 only; for others the curve is scaled
  // by how the Report's own HDR -> SDR mapping (section 4.1) changes with the peak. Method C's parameters follow from
  // the conditions that the Report derives them from. `crosstalk`: Method C's alpha, 0..0.33; keeps strong colours
  // from brightening unevenly. Errors: invalid_argument (out of range).
  static Result<Bt2446> create(Bt2446Method method, double peak_nits = 1000, double crosstalk = 0);

  // SDR R'G'B' with BT.709 primaries for a BT.1886 display, 0 = black, 1 = white -> R'G'B' with BT.2020 primaries in
  // PQ, 0..1. In place; any number of threads may call it. Negative values are taken as 0; values above 1 as 1 by
  // Method A, and as super-white by Method C.
  void run(double (&rgb)[3]) const;

  // Luminance in cd/m2 that a neutral R' = G' = B' = `signal` is given.
  double gray_nits(double signal) const;

 private:
  Bt2446() = default;
  void method_a(double (&rgb)[3]) const;  // gamma-coded BT.2020 -> light in cd/m2
  void method_c(double (&rgb)[3]) const;  // SDR light in BT.2020, 1 = white -> light in cd/m2
  double expand_luma(double luma) const;
  double expand_luminance(double nits) const;

  Bt2446Method method_ = Bt2446Method::a;
  double peak_nits_ = 1000;
  double crosstalk_ = 0;
  double k1_ = 0, k2_ = 0, k3_ = 0, k4_ = 0, inflection_nits_ = 0;  // Method C; inflection on the HDR side
};

}  // namespace framelift
