#include "metrics/mean_luminance.h"

#include <cmath>

#include "color/primaries.h"
#include "color/transfer.h"

namespace framelift {
namespace {

constexpr int table_steps = 1 << 12, row_step = 8;
constexpr double sdr_white_nits = 100;

}  // namespace

MeanLuminance::MeanLuminance(const ColorInfo& color, double peak_nits)
    : light_(table_steps, [&](double signal) { return eotf(color.transfer, signal); }) {
  const Matrix3 xyz = rgb_to_xyz(color.primaries);
  for (int i = 0; i < 3; ++i) weights_[i] = xyz.m[1][i];
  switch (color.transfer) {
    case TransferCharacteristic::pq: display_scale_ = pq_peak_nits; break;
    case TransferCharacteristic::hlg:
      display_scale_ = peak_nits;
      hlg_gamma_ = static_cast<float>(hlg_system_gamma(peak_nits));
      break;
    default: display_scale_ = sdr_white_nits;
  }
}

void MeanLuminance::add(const TensorView& rgb, const Region& covered, const Region& region) {
  const int64_t plane = int64_t{covered.width} * covered.height;
  for (int y = (region.y + row_step - 1) / row_step * row_step; y < region.bottom(); y += row_step) {
    const float* r = rgb.as<float>() + int64_t{y - covered.y} * covered.width + (region.x - covered.x);
    const float *g = r + plane, *b = g + plane;
    double row = 0;
    for (int x = 0; x < region.width; ++x) {
      const double light = weights_[0] * light_(r[x]) + weights_[1] * light_(g[x]) + weights_[2] * light_(b[x]);
      // The OOTF multiplies each component by Y^(gamma - 1), and so luminance itself as well.
      row += hlg_gamma_ > 0 ? static_cast<double>(std::pow(static_cast<float>(light), hlg_gamma_)) : light;
    }
    sum_ += row;
    pixels_ += region.width;
  }
}

double MeanLuminance::end_frame() {
  const double mean = pixels_ > 0 ? display_scale_ * sum_ / static_cast<double>(pixels_) : 0;
  sum_ = 0;
  pixels_ = 0;
  return mean;
}

}  // namespace framelift
