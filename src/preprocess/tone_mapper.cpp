#include "preprocess/tone_mapper.h"

#include <cmath>

#include "color/tone_map.h"
#include "color/transfer.h"

namespace framelift {
namespace {
// Interpolated between so many steps, the gain is right to a few 1e-6.
constexpr int gain_steps = 1024;
}  // namespace

Result<ToneMapper> ToneMapper::create(const ColorInfo& from, double peak_nits) {
  FL_TRY(const ToneMap map, ToneMap::create(from.transfer, from.primaries, peak_nits));
  ToneMapper mapper;
  ColorPlan& plan = mapper.plan_;
  plan.brightest = 1;  // the content's peak
  if (from.transfer == TransferCharacteristic::hlg) {
    plan.decode = {ColorCurve::Kind::hlg};
    plan.ootf = static_cast<float>(hlg_system_gamma(peak_nits) - 1);
  } else {
    plan.decode = {ColorCurve::Kind::pq};
    plan.decoded_scale = static_cast<float>(pq_peak_nits / peak_nits);
  }
  for (int i = 0; i <= gain_steps; ++i)
    mapper.gain_.push_back(static_cast<float>(map.gain(std::pow(static_cast<double>(i) / gain_steps, 4))));
  plan.gain_steps = gain_steps;
  plan.mix = true;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) plan.matrix[i][j] = static_cast<float>(map.gamut().to_bt709().m[i][j]);
  plan.desaturation_bend = static_cast<float>(map.gamut().desaturation_bend());
  plan.encode = {ColorCurve::Kind::power, static_cast<float>(1 / display_gamma(TransferCharacteristic::bt709))};
  return mapper;
}

void ToneMapper::run(const TensorView& rgb) const {
  ColorPlan plan = plan_;
  plan.gain = gain_.data();
  const auto pixels = static_cast<size_t>(rgb.shape[2] * rgb.shape[3]);
  float* const planes[3] = {rgb.as<float>(), rgb.as<float>() + pixels, rgb.as<float>() + 2 * pixels};
  convert_color_row(plan, pixels, planes);
}

}  // namespace framelift
