// ICtCp of Rec. ITU-R BT.2100 Table 7 in its PQ form, and the colour difference made of it, Delta E ITP of
// Rec. ITU-R BT.2124. Header only, compiled for the CPU and (under nvcc) for CUDA.
#pragma once

#include <cmath>

#include "color/pq.h"
#include "color/primaries.h"

namespace framelift {

// Linear BT.2020 RGB -> cone responses, and their PQ codes -> I in 0..1, Ct and Cp in -0.5..0.5.
inline constexpr Matrix3 bt2020_to_lms{{{1688.0 / 4096, 2146.0 / 4096, 262.0 / 4096},
                                        {683.0 / 4096, 2951.0 / 4096, 462.0 / 4096},
                                        {99.0 / 4096, 309.0 / 4096, 3688.0 / 4096}}};
inline constexpr Matrix3 pq_lms_to_ictcp{
    {{0.5, 0.5, 0}, {6610.0 / 4096, -13613.0 / 4096, 7003.0 / 4096}, {17933.0 / 4096, -17390.0 / 4096, -543.0 / 4096}}};

// Of linear BT.2020 RGB in cd/m2.
inline Vector3 ictcp(const Vector3& rgb_nits) {
  Vector3 lms = multiply(bt2020_to_lms, rgb_nits);
  for (double& x : lms.v) x = pq_inverse_eotf(x);
  return multiply(pq_lms_to_ictcp, lms);
}

// Of two colours in ICtCp. 1 is about what a trained viewer just notices under the best conditions.
FRAMELIFT_HD inline double delta_e_itp(const Vector3& a, const Vector3& b) {
  const double i = a.v[0] - b.v[0], t = (a.v[1] - b.v[1]) / 2, p = a.v[2] - b.v[2];
  return 720 * std::sqrt(i * i + t * t + p * p);
}

}  // namespace framelift
