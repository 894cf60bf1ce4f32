// Transfer curves of every TransferCharacteristic. Header only, for float and double, compiled for the CPU and (under
// nvcc) for CUDA. Two families, never to be mixed:
//   scene   oetf(), inverse_oetf(): light in front of the camera <-> signal;
//   display eotf(), inverse_eotf(): signal <-> light of the display.
// SDR light is relative (1 = reference white). Signals and light below 0 mirror those above (f(-x) = -f(x)), as xvYCC
// does, so that colours outside the gamut and footroom survive; PQ is clamped to its range. PQ itself is in pq.h.
#pragma once

#include <cmath>

#include "color/color_info.h"
#include "color/pq.h"

namespace framelift {

// H.273 asks for BT.709's (and BT.601's and BT.2020's) constants in full: alpha = 1.0993, beta = 0.0181 are those for
// 12 bits, 1.099 and 0.018 those for 10. With these, curve and slope are continuous.
inline constexpr double bt709_alpha = 1.099296826809442, bt709_beta = 0.018053968510807;

template <class T>
FRAMELIFT_HD T bt709_oetf(T light) {
  if (light < 0) return -bt709_oetf(-light);
  const T alpha = static_cast<T>(bt709_alpha);
  return light < static_cast<T>(bt709_beta) ? static_cast<T>(4.5) * light
                                            : alpha * std::pow(light, static_cast<T>(0.45)) - (alpha - 1);
}

template <class T>
FRAMELIFT_HD T bt709_inverse_oetf(T signal) {
  if (signal < 0) return -bt709_inverse_oetf(-signal);
  const T alpha = static_cast<T>(bt709_alpha);
  return signal < static_cast<T>(4.5 * bt709_beta) ? signal / static_cast<T>(4.5)
                                                   : std::pow((signal + (alpha - 1)) / alpha, static_cast<T>(1 / 0.45));
}

inline constexpr double smpte240m_alpha = 1.111572195921731, smpte240m_beta = 0.022821585529445;

template <class T>
FRAMELIFT_HD T smpte240m_oetf(T light) {
  if (light < 0) return -smpte240m_oetf(-light);
  const T alpha = static_cast<T>(smpte240m_alpha);
  return light < static_cast<T>(smpte240m_beta) ? 4 * light
                                                : alpha * std::pow(light, static_cast<T>(0.45)) - (alpha - 1);
}

template <class T>
FRAMELIFT_HD T smpte240m_inverse_oetf(T signal) {
  if (signal < 0) return -smpte240m_inverse_oetf(-signal);
  const T alpha = static_cast<T>(smpte240m_alpha);
  return signal < static_cast<T>(4 * smpte240m_beta)
             ? signal / 4
             : std::pow((signal + (alpha - 1)) / alpha, static_cast<T>(1 / 0.45));
}

// IEC 61966-2-1. Its numbers leave a step of 3e-8 between the branches.
template <class T>
FRAMELIFT_HD T srgb_eotf(T signal) {
  if (signal < 0) return -srgb_eotf(-signal);
  return signal <= static_cast<T>(0.04045)
             ? signal / static_cast<T>(12.92)
             : std::pow((signal + static_cast<T>(0.055)) / static_cast<T>(1.055), static_cast<T>(2.4));
}

template <class T>
FRAMELIFT_HD T srgb_inverse_eotf(T light) {
  if (light < 0) return -srgb_inverse_eotf(-light);
  return light <= static_cast<T>(0.0031308)
             ? light * static_cast<T>(12.92)
             : static_cast<T>(1.055) * std::pow(light, static_cast<T>(1 / 2.4)) - static_cast<T>(0.055);
}

// A pure power.
template <class T>
FRAMELIFT_HD T power_curve(T x, double exponent) {
  return x < 0 ? -std::pow(-x, static_cast<T>(exponent)) : std::pow(x, static_cast<T>(exponent));
}

// The reference display of SDR television, Rec. ITU-R BT.1886 Annex 1: L = a max(V + b, 0)^gamma.
struct Bt1886 {
  double gamma = 2.4;
  double white = 1, black = 0;  // luminance for V = 1 and V = 0, in any unit
};

template <class T>
FRAMELIFT_HD T bt1886_eotf(T signal, const Bt1886& display) {
  const double white = std::pow(display.white, 1 / display.gamma), black = std::pow(display.black, 1 / display.gamma);
  const T v = signal * static_cast<T>(white - black) + static_cast<T>(black);
  return v > 0 ? std::pow(v, static_cast<T>(display.gamma)) : 0;
}

template <class T>
FRAMELIFT_HD T bt1886_inverse_eotf(T luminance, const Bt1886& display) {
  const double white = std::pow(display.white, 1 / display.gamma), black = std::pow(display.black, 1 / display.gamma);
  const T v = luminance > 0 ? std::pow(luminance, static_cast<T>(1 / display.gamma)) : 0;
  return (v - static_cast<T>(black)) / static_cast<T>(white - black);
}

// Hybrid log-gamma, Rec. ITU-R BT.2100 Table 5.
namespace hlg {
inline constexpr double a = 0.17883277, b = 1 - 4 * a, c = 0.55991073;  // c = 0.5 - a ln(4a)
}  // namespace hlg

// Scene light (1 = brightest) -> signal.
template <class T>
FRAMELIFT_HD T hlg_oetf(T light) {
  if (light < 0) return -hlg_oetf(-light);
  return light <= static_cast<T>(1.0 / 12)
             ? std::sqrt(3 * light)
             : static_cast<T>(hlg::a) * std::log(12 * light - static_cast<T>(hlg::b)) + static_cast<T>(hlg::c);
}

template <class T>
FRAMELIFT_HD T hlg_inverse_oetf(T signal) {
  if (signal < 0) return -hlg_inverse_oetf(-signal);
  return signal <= static_cast<T>(0.5)
             ? signal * signal / 3
             : (std::exp((signal - static_cast<T>(hlg::c)) / static_cast<T>(hlg::a)) + static_cast<T>(hlg::b)) / 12;
}

// System gamma of an HLG display by its peak, in the reference surround: BT.2100 Table 5 notes 5e and 5f (the extended
// formula outside 400..2000 cd/m2; the two differ by at most 0.01 inside).
inline double hlg_system_gamma(double peak_nits) {
  if (peak_nits >= 400 && peak_nits <= 2000) return 1.2 + 0.42 * std::log10(peak_nits / 1000);
  return 1.2 * std::pow(1.111, std::log2(peak_nits / 1000));
}

// BT.2100's weights of luminance in linear BT.2020 RGB.
template <class T>
FRAMELIFT_HD T bt2020_luminance(const T (&rgb)[3]) {
  return static_cast<T>(0.2627) * rgb[0] + static_cast<T>(0.6780) * rgb[1] + static_cast<T>(0.0593) * rgb[2];
}

// HLG scene light -> light of the display relative to its peak, on all three components at once, in place. Black level
// 0.
template <class T>
FRAMELIFT_HD void hlg_ootf(T (&rgb)[3], double system_gamma) {
  const T y = bt2020_luminance(rgb);
  const T gain = y > 0 ? std::pow(y, static_cast<T>(system_gamma - 1)) : 0;
  for (T& x : rgb) x *= gain;
}

template <class T>
FRAMELIFT_HD void hlg_inverse_ootf(T (&rgb)[3], double system_gamma) {
  const T y = bt2020_luminance(rgb);
  const T gain = y > 0 ? std::pow(y, static_cast<T>(1 / system_gamma - 1)) : 0;
  for (T& x : rgb) x *= gain;
}

FRAMELIFT_HD constexpr bool is_hdr(TransferCharacteristic transfer) {
  return transfer == TransferCharacteristic::pq || transfer == TransferCharacteristic::hlg;
}

// For messages about is_hdr() curves.
constexpr const char* hdr_name(TransferCharacteristic transfer) {
  return transfer == TransferCharacteristic::pq ? "PQ" : "HLG";
}

// Scene light -> signal. Curves that are defined by their display (sRGB, gamma 2.2 and 2.8, PQ) have no camera of their
// own: there, scene light stands for display light. `unspecified` is BT.709.
template <class T>
FRAMELIFT_HD T oetf(TransferCharacteristic transfer, T light) {
  switch (transfer) {
    case TransferCharacteristic::gamma22: return power_curve(light, 1 / 2.2);
    case TransferCharacteristic::gamma28: return power_curve(light, 1 / 2.8);
    case TransferCharacteristic::smpte240m: return smpte240m_oetf(light);
    case TransferCharacteristic::linear: return light;
    case TransferCharacteristic::srgb: return srgb_inverse_eotf(light);
    case TransferCharacteristic::pq: return pq_inverse_eotf(light * static_cast<T>(pq_peak_nits));
    case TransferCharacteristic::hlg: return hlg_oetf(light);
    default: return bt709_oetf(light);
  }
}

template <class T>
FRAMELIFT_HD T inverse_oetf(TransferCharacteristic transfer, T signal) {
  switch (transfer) {
    case TransferCharacteristic::gamma22: return power_curve(signal, 2.2);
    case TransferCharacteristic::gamma28: return power_curve(signal, 2.8);
    case TransferCharacteristic::smpte240m: return smpte240m_inverse_oetf(signal);
    case TransferCharacteristic::linear: return signal;
    case TransferCharacteristic::srgb: return srgb_eotf(signal);
    case TransferCharacteristic::pq: return pq_eotf(signal) / static_cast<T>(pq_peak_nits);
    case TransferCharacteristic::hlg: return hlg_inverse_oetf(signal);
    default: return bt709_inverse_oetf(signal);
  }
}

// The power of the display that an SDR curve is made for. BT.709, BT.601, BT.2020 and SMPTE 240M: BT.1886 with black 0.
// 1 for linear; 0 for curves that are no power.
FRAMELIFT_HD constexpr double display_gamma(TransferCharacteristic transfer) {
  switch (transfer) {
    case TransferCharacteristic::gamma22: return 2.2;
    case TransferCharacteristic::gamma28: return 2.8;
    case TransferCharacteristic::linear: return 1;
    case TransferCharacteristic::srgb:
    case TransferCharacteristic::pq:
    case TransferCharacteristic::hlg: return 0;
    default: return 2.4;
  }
}

// Signal -> light of the display: 1 = SDR white, and for PQ 1 = 10000 cd/m2. HLG is not a curve per component: this
// gives scene light, which hlg_ootf() turns into the display's.
template <class T>
FRAMELIFT_HD T eotf(TransferCharacteristic transfer, T signal) {
  if (transfer == TransferCharacteristic::linear) return signal;
  const double gamma = display_gamma(transfer);
  return gamma > 0 ? power_curve(signal, gamma) : inverse_oetf(transfer, signal);
}

template <class T>
FRAMELIFT_HD T inverse_eotf(TransferCharacteristic transfer, T light) {
  if (transfer == TransferCharacteristic::linear) return light;
  const double gamma = display_gamma(transfer);
  return gamma > 0 ? power_curve(light, 1 / gamma) : oetf(transfer, light);
}

}  // namespace framelift
