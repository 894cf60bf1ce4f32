#include "color/tone_map.h"

#include <algorithm>
#include <cmath>

#include "color/pq.h"
#include "color/transfer.h"

namespace framelift {
Eetf::Eetf(double source_peak_nits, double target_peak_nits)
    : source_peak_(pq_inverse_eotf(source_peak_nits)),
      max_lum_(std::min(pq_inverse_eotf(target_peak_nits) / source_peak_, 1.0)),
      knee_(1.5 * max_lum_ - 0.5) {}

double Eetf::operator()(double nits) const {
  const double e = std::min(pq_inverse_eotf(nits) / source_peak_, 1.0);
  if (e <= knee_) return nits;
  const double t = (e - knee_) / (1 - knee_), t2 = t * t, t3 = t2 * t;
  const double spline = (2 * t3 - 3 * t2 + 1) * knee_ + (t3 - 2 * t2 + t) * (1 - knee_) + (3 * t2 - 2 * t3) * max_lum_;
  return pq_eotf(spline * source_peak_);
}

ToneMap::ToneMap(double peak_nits, const GamutMap& gamut)
    : peak_nits_(peak_nits), eetf_(peak_nits, hdr_reference_white_nits), gamut_(gamut) {}

Result<ToneMap> ToneMap::create(TransferCharacteristic transfer, ColorPrimaries primaries, double peak_nits) {
  if (!is_hdr(transfer))
    return fail(ErrorCode::invalid_argument, "transfer {} (H.273) is not HDR: nothing to tone-map",
                static_cast<int>(transfer));
  if (transfer == TransferCharacteristic::hlg && primaries != ColorPrimaries::bt2020)
    return fail(ErrorCode::unsupported, "HLG is defined for BT.2020 primaries, but these are {} (H.273)",
                static_cast<int>(primaries));
  if (!(peak_nits >= 100 && peak_nits <= pq_peak_nits))
    return fail(ErrorCode::invalid_argument, "a peak of {} cd/m2 is outside 100..10000", peak_nits);
  ToneMap map(peak_nits, GamutMap(chromaticities(primaries)));
  map.transfer_ = transfer;
  return map;
}

double ToneMap::gain(double largest) const {
  const double nits = largest * peak_nits_;
  return (nits > 0 ? eetf_(nits) / nits : 1) * peak_nits_ / hdr_reference_white_nits;
}

void ToneMap::run(double (&rgb)[3]) const {
  for (double& x : rgb) x = eotf(transfer_, std::clamp(x, 0.0, 1.0));
  if (transfer_ == TransferCharacteristic::hlg)
    hlg_ootf(rgb, hlg_system_gamma(peak_nits_));
  else
    for (double& x : rgb) x = std::min(x * pq_peak_nits / peak_nits_, 1.0);
  const double mapped = gain(*std::ranges::max_element(rgb));
  for (double& x : rgb) x *= mapped;
  gamut_.run(rgb);
  for (double& x : rgb) x = inverse_eotf(TransferCharacteristic::bt709, std::clamp(x, 0.0, 1.0));
}

}  // namespace framelift
