// How close a network's picture is to the target, where values may lie far above 1.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "frame/tensor.h"
#include "metrics/ssim.h"

namespace framelift {

// How both pictures are brought to 0..1 before they are compared; negative values and NaN count as 0 first.
enum class MetricMode : uint8_t {
  linear_clip,  // cut off at 1
  percentile,   // divided by the 99.5th percentile of both together, cut off at 1
  log,          // log(1 + x), then as percentile
  tone_mapped,  // each by itself: log(1 + x) / log(1 + its largest value)
};
const char* to_string(MetricMode mode);  // "linear-clip", "percentile", "log", "tone-mapped"
Result<MetricMode> parse_metric_mode(std::string_view text);

struct PictureMetrics {
  double psnr = 0;  // dB, peak 1, over pixels and channels; infinite for equal pictures
  double ssim = 0;  // mean of the three channels; NaN when a side is shorter than Ssim::window
};

// PSNR of light in PU21 encoding (color/pu21.h) over pixels, R, G and B, with the peak pu21_peak, in dB; 1 in the
// pictures is `white_nits` cd/m2. Negative values and NaN are black. Sizes as below.
double pu21_psnr(const Tensor& prediction, const Tensor& target, double white_nits);

// f32 [1,3,H,W] each, not empty.
PictureMetrics measure_pictures(const Tensor& prediction, const Tensor& target, MetricMode mode);

}  // namespace framelift
