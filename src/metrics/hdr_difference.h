// How far two HDR pictures are apart, as seen on a display: Delta E ITP and PU21-PSNR.
#pragma once

#include "frame/tensor.h"
#include "metrics/curve_table.h"

namespace framelift {

// Both work on light of the display in cd/m2, from PQ codes of BT.2020 RGB, f32 [1,3,H,W] of one size; codes are
// clamped to 0..1, NaN is black. The curves are tables: Delta E ITP is within 1e-3 of an exact evaluation, PU21-PSNR
// within 0.01 dB (tested). Immutable, so any number of threads may call one object.
class HdrDifference {
 public:
  HdrDifference();

  // Mean over the pixels of Delta E ITP (Rec. ITU-R BT.2124; color/ictcp.h). 0: equal; 1: about one visible step.
  double mean_delta_e_itp(const TensorView& a, const TensorView& b) const;

  // Mean over pixels and R, G, B of the squared difference of PU21 values (color/pu21.h). PU21-PSNR is psnr() of it
  // with the peak pu21_peak, as "PSNR" of the reference implementation has it.
  double pu21_squared_error(const TensorView& a, const TensorView& b) const;

 private:
  CurveTable nits_, pu21_;  // of the PQ code
  OctaveTable pq_;          // of cd/m2
};

}  // namespace framelift
