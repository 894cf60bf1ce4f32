#include "color/bt2446.h"

#include <algorithm>
#include <cmath>

#include "color/pq.h"
#include "color/primaries.h"
#include "color/transfer.h"

namespace framelift {
namespace {

constexpr Matrix3 bt709_to_bt2020 = rgb_to_rgb(ColorPrimaries::bt709, ColorPrimaries::bt2020);

void apply(const Matrix3& matrix, double (&rgb)[3]) {
  const Vector3 mixed = multiply(matrix, Vector3{{rgb[0], rgb[1], rgb[2]}});
  std::copy_n(mixed.v, 3, rgb);
}

// rho of section 4.1: how strongly Method A's perceptual axis is bent for a display of this peak.
double bend(double peak_nits) { return 1 + 32 * std::pow(peak_nits / 10000, 1 / 2.4); }

// SDR luma -> the perceptual axis of the HDR side: steps 3 and 2 of Method A's tone mapping (section 4.1) backwards.
// The Report's knee has a step of 0.0005 at 0.7399; what falls into it belongs there.
double perceptual(double sdr_luma) {
  constexpr double knee = 0.7399, shoulder = 0.9909;
  const double rho = bend(Bt2446::sdr_white_nits);
  const double y = std::log(1 + sdr_luma * (rho - 1)) / std::log(rho);
  if (y <= 1.0770 * knee) return y / 1.0770;
  if (y >= 0.5 * shoulder + 0.5) return 2 * y - 1;
  const double root = 2.7811 * 2.7811 - 4 * 1.1510 * (0.6302 + y);
  return std::clamp((2.7811 - std::sqrt(std::max(root, 0.0))) / (2 * 1.1510), knee, shoulder);
}

// Luminance of an HLG signal on a display of this peak.
double hlg_nits(double signal, double peak_nits) {
  return peak_nits * std::pow(hlg_inverse_oetf(signal), hlg_system_gamma(peak_nits));
}

}  // namespace

Result<Bt2446> Bt2446::create(Bt2446Method method, double peak_nits, double crosstalk) {
  if (!(peak_nits >= min_peak_nits && peak_nits <= max_peak_nits))
    return fail(ErrorCode::invalid_argument, "a peak of {} cd/m2 is outside {}..{}", peak_nits, min_peak_nits,
                max_peak_nits);
  if (!(crosstalk >= 0 && crosstalk <= 0.33))
    return fail(ErrorCode::invalid_argument, "a crosstalk of {} is outside 0..0.33", crosstalk);
  Bt2446 made;
  made.method_ = method;
  made.peak_nits_ = peak_nits;
  made.crosstalk_ = crosstalk;

  // Section 6.1.4: 50% HLG is shown as 70% SDR, the inflection is at 80% SDR, 75% HLG is shown as 96% SDR. The curve
  // and its slope are continuous, so that k2 and k4 follow from u = 1 - k3, for which the third condition remains:
  //   u ln(1 + c / u) = t   with c = reference / inflection - 1 on the HDR side, t the same on the SDR side.
  // The left side grows with u, from 0 towards c, and is at least c u / (u + c), which bounds the root.
  made.k1_ = sdr_white_nits * std::pow(0.7, 2.4) / hlg_nits(0.5, peak_nits);
  const double inflection = sdr_white_nits * std::pow(0.8, 2.4);
  made.inflection_nits_ = inflection / made.k1_;
  const double c = hlg_nits(0.75, peak_nits) / made.inflection_nits_ - 1, t = std::pow(0.96 / 0.8, 2.4) - 1;
  double low = 0, high = t * c / (c - t);
  for (int i = 0; i < 100; ++i) {
    const double u = (low + high) / 2;
    (u * std::log1p(c / u) < t ? low : high) = u;
  }
  made.k3_ = 1 - high;
  made.k2_ = inflection * high;
  made.k4_ = inflection - made.k2_ * std::log(high);
  return made;
}

// Gamma-coded luma 0..1 of the SDR picture -> that of the HDR picture.
double Bt2446::expand_luma(double luma) const {
  if (!(luma > 0)) return 0;
  const double y = 255 * luma;
  const double exponent = y <= 70 ? (1.8712e-5 * y - 2.7334e-3) * y + 1.3141 : (2.8305e-6 * y - 7.4622e-4) * y + 1.2528;
  const double at_1000 = std::pow(y, exponent) / 1000;
  if (peak_nits_ == 1000) return at_1000;
  const double p = perceptual(luma);
  const auto from_perceptual = [&](double rho) { return (std::pow(rho, p) - 1) / (rho - 1); };
  return at_1000 * from_perceptual(bend(peak_nits_)) / from_perceptual(bend(1000));
}

// Luminance of the SDR display -> of the HDR display.
double Bt2446::expand_luminance(double nits) const {
  if (nits <= k1_ * inflection_nits_) return nits / k1_;
  return (std::exp((nits - k4_) / k2_) + k3_) * inflection_nits_;
}

void Bt2446::method_a(double (&rgb)[3]) const {
  const double luma = bt2020_luminance(rgb);  // the weights of BT.2020's Y'
  const double cb = (rgb[2] - luma) / 1.8814, cr = (rgb[0] - luma) / 1.4746;
  const double expanded = expand_luma(luma);
  const double chroma = luma > 0 ? 1.075 * expanded / luma : 1;
  const double out[3] = {expanded + 1.4746 * cr * chroma, expanded - 0.16455 * cb * chroma - 0.57135 * cr * chroma,
                         expanded + 1.8814 * cb * chroma};
  for (int i = 0; i < 3; ++i) rgb[i] = peak_nits_ * std::pow(std::clamp(out[i], 0.0, 1.0), 2.4);
}

void Bt2446::method_c(double (&rgb)[3]) const {
  // x and y of the colour stay, so that changing Y is one factor for all components: no need to pass through XYZ.
  const double a = crosstalk_;
  const double sum = a * (rgb[0] + rgb[1] + rgb[2]);
  for (double& x : rgb) x = sdr_white_nits * ((1 - 3 * a) * x + sum);
  const double nits = bt2020_luminance(rgb);
  const double gain = nits > 0 ? expand_luminance(nits) / nits : 0;
  const double mixed = a * (rgb[0] + rgb[1] + rgb[2]);
  for (double& x : rgb) x = std::clamp(gain * (x - mixed) / (1 - 3 * a), 0.0, peak_nits_);
}

void Bt2446::run(double (&rgb)[3]) const {
  const double top = method_ == Bt2446Method::a ? 1 : 2;  // far beyond super-white, where the curve is clipped anyway
  for (double& x : rgb) x = x > 0 ? power_curve(std::min(x, top), 2.4) : 0;
  apply(bt709_to_bt2020, rgb);
  if (method_ == Bt2446Method::a) {
    for (double& x : rgb) x = power_curve(x, 1 / 2.4);
    method_a(rgb);
  } else {
    method_c(rgb);
  }
  for (double& x : rgb) x = pq_inverse_eotf(x);
}

double Bt2446::gray_nits(double signal) const {
  double rgb[3] = {signal, signal, signal};
  run(rgb);
  return pq_eotf(rgb[1]);
}

}  // namespace framelift
