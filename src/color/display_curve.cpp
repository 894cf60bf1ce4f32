#include "color/display_curve.h"

#include <algorithm>
#include <cmath>

#include "color/pq.h"
#include "color/transfer.h"

namespace framelift {
namespace {

double aces(double x) { return x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14); }

}  // namespace

DisplayMap::DisplayMap(DisplayCurve curve, const LightRange& range, double white_nits)
    : curve_(curve),
      log_largest_(std::log1p(range.largest_component)),
      white_luminance_(std::max(range.largest_luminance, 1.0)),
      white_nits_(white_nits > 0 ? white_nits : hdr_reference_white_nits),
      eetf_(std::clamp(range.largest_component * white_nits_, hdr_reference_white_nits, pq_peak_nits),
            hdr_reference_white_nits) {}

void DisplayMap::run(double (&rgb)[3]) const {
  for (double& x : rgb) x = std::max(x, 0.0);
  double gain = 1;  // of all components
  switch (curve_) {
    case DisplayCurve::none: break;
    case DisplayCurve::log:
      for (double& x : rgb) x = log_largest_ > 0 ? std::min(std::log1p(x) / log_largest_, 1.0) : 0;
      return;
    case DisplayCurve::reinhard: {
      const double y = bt709_luminance(rgb);
      gain = (1 + y / (white_luminance_ * white_luminance_)) / (1 + y);
      break;
    }
    case DisplayCurve::aces:
      for (double& x : rgb) x = aces(x);
      break;
    case DisplayCurve::bt2390: {
      const double largest = *std::ranges::max_element(rgb), nits = largest * white_nits_;
      if (nits > 0) gain = eetf_(nits) / hdr_reference_white_nits / largest;
      break;
    }
  }
  for (double& x : rgb) x = srgb_inverse_eotf(std::min(x * gain, 1.0));
}

}  // namespace framelift
