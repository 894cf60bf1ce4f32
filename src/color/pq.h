// The perceptual quantiser of SMPTE ST 2084 (also ITU-R BT.2100 PQ): code in 0..1 <-> luminance of a display in cd/m2.
// Header only, compiled for the CPU and (under nvcc) for CUDA.
#pragma once

#include <cmath>

#include "color/matrix.h"

namespace framelift {

inline constexpr double pq_peak_nits = 10000;

// ST 2084's constants, as the fractions that the standard gives.
namespace pq {
inline constexpr double m1 = 2610.0 / 16384, m2 = 2523.0 / 4096 * 128;
inline constexpr double c1 = 3424.0 / 4096, c2 = 2413.0 / 4096 * 32, c3 = 2392.0 / 4096 * 32;
}  // namespace pq

// Code -> cd/m2. T: float or double; codes are clamped to 0..1.
template <class T>
FRAMELIFT_HD T pq_eotf(T code) {
  if (!(code > 0)) return 0;
  if (code >= 1) return static_cast<T>(pq_peak_nits);
  const T p = std::pow(code, static_cast<T>(1 / pq::m2));
  const T numerator = p - static_cast<T>(pq::c1);
  if (!(numerator > 0)) return 0;
  return static_cast<T>(pq_peak_nits) *
         std::pow(numerator / (static_cast<T>(pq::c2) - static_cast<T>(pq::c3) * p), static_cast<T>(1 / pq::m1));
}

// cd/m2 -> code. Luminance is clamped to 0..10000.
template <class T>
FRAMELIFT_HD T pq_inverse_eotf(T nits) {
  if (!(nits > 0)) nits = 0;
  if (nits > static_cast<T>(pq_peak_nits)) nits = static_cast<T>(pq_peak_nits);
  const T p = std::pow(nits / static_cast<T>(pq_peak_nits), static_cast<T>(pq::m1));
  return std::pow((static_cast<T>(pq::c1) + static_cast<T>(pq::c2) * p) / (1 + static_cast<T>(pq::c3) * p),
                  static_cast<T>(pq::m2));
}

}  // namespace framelift
