#include "train/data/degrade.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "color/transfer.h"
#include "train/data/random_stream.h"

namespace framelift {
namespace {

template <class Function>
void for_each_value(const TensorView& rgb, Function function) {
  for (float& v : rgb.f32()) v = static_cast<float>(function(v));
}

}  // namespace

float peak_percentile(const TensorView& rgb, double share) {
  const std::span<float> values = rgb.f32();
  const size_t pixels = values.size() / 3;
  if (pixels == 0) return 0;
  std::vector<float> peaks(pixels);
  for (size_t i = 0; i < pixels; ++i) {
    peaks[i] = std::max({values[i], values[pixels + i], values[2 * pixels + i]});
    if (std::isnan(peaks[i])) peaks[i] = 0;
  }
  const double rank = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(pixels)) - 1;
  const auto nth = peaks.begin() + static_cast<ptrdiff_t>(std::max(rank, 0.0));
  std::nth_element(peaks.begin(), nth, peaks.end());
  return *nth;
}

double exposure_for(const TensorView& rgb, double clipped) {
  const double level = peak_percentile(rgb, 1 - clipped);
  return level >= 1e-6 && std::isfinite(level) ? 1 / level : 1;
}

void apply_gain(const TensorView& rgb, const std::array<double, 3>& gain) {
  const std::span<float> values = rgb.f32();
  const size_t plane = values.size() / 3;
  for (size_t c = 0; c < 3; ++c)
    for (float& v : values.subspan(c * plane, plane)) v = static_cast<float>(v * gain[c]);
}

void add_noise(const TensorView& rgb, const SensorNoise& noise) {
  if (noise.shot <= 0 && noise.read <= 0) return;
  const std::span<float> values = rgb.f32();
  for (size_t i = 0; i < values.size(); ++i) {
    const double light = std::max(double{values[i]}, 0.0);
    const double deviation = std::sqrt(noise.shot * light + noise.read * noise.read);
    values[i] = static_cast<float>(values[i] + deviation * RandomStream{noise.seed, i}.normal());
  }
}

void clip(const TensorView& rgb) {
  for_each_value(rgb, [](float v) { return v > 0 ? std::min(v, 1.0f) : 0.0f; });
}

double camera_response(const CameraCurve& curve, double light) {
  if (curve.is_srgb()) return srgb_inverse_eotf(light);
  const double power = std::pow(light, curve.n);
  return (1 + curve.sigma) * power / (power + curve.sigma);
}

void apply_curve(const TensorView& rgb, const CameraCurve& curve) {
  for_each_value(rgb, [&](float v) { return camera_response(curve, v); });
}

void quantise(const TensorView& rgb, int bits) {
  const auto top = static_cast<float>((1 << bits) - 1);
  for_each_value(rgb, [=](float v) { return std::nearbyint(v * top) / top; });
}

void photograph(const TensorView& rgb, const CameraDraw& camera, int bits) {
  add_noise(rgb, camera.noise);
  clip(rgb);
  apply_curve(rgb, camera.curve);
  quantise(rgb, bits);
}

}  // namespace framelift
