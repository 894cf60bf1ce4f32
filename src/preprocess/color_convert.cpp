#include "preprocess/color_convert.h"

#include <algorithm>
#include <limits>

#include "color/primaries.h"
#include "color/tone_map.h"
#include "color/transfer.h"

namespace framelift {
namespace {

enum class Direction { decode, encode };

ColorCurve curve_of(TransferCharacteristic transfer, Direction direction) {
  switch (transfer) {
    case TransferCharacteristic::linear: return {ColorCurve::Kind::linear};
    case TransferCharacteristic::srgb: return {ColorCurve::Kind::srgb};
    case TransferCharacteristic::pq: return {ColorCurve::Kind::pq};
    case TransferCharacteristic::hlg: return {ColorCurve::Kind::hlg};
    default: break;
  }
  const double gamma = display_gamma(transfer);
  return {ColorCurve::Kind::power, static_cast<float>(direction == Direction::decode ? gamma : 1 / gamma)};
}

bool same_curve(TransferCharacteristic a, TransferCharacteristic b) {
  const double gamma = display_gamma(a);
  return a == b || (gamma > 0 && gamma == display_gamma(b));
}

}  // namespace

Result<std::optional<ColorConverter>> ColorConverter::create(const ColorInfo& from, const ColorInfo& to,
                                                             double peak_nits) {
  for (const ColorInfo* color : {&from, &to}) {
    if (color->transfer == TransferCharacteristic::unspecified || color->primaries == ColorPrimaries::unspecified)
      return fail(ErrorCode::invalid_argument, "the transfer curve or the primaries of a picture are not specified");
    if (color->transfer == TransferCharacteristic::hlg && color->primaries != ColorPrimaries::bt2020)
      return fail(ErrorCode::unsupported, "HLG is defined for BT.2020 primaries, but these are {} (H.273)",
                  static_cast<int>(color->primaries));
  }
  const bool light_to_pq = from.transfer == TransferCharacteristic::linear && to.transfer == TransferCharacteristic::pq;
  if (is_hdr(from.transfer) != is_hdr(to.transfer) && !light_to_pq)
    return fail(ErrorCode::unsupported, "converting between SDR and HDR takes tone mapping, not a change of curve");
  if (!(peak_nits >= 100 && peak_nits <= pq_peak_nits))
    return fail(ErrorCode::invalid_argument, "a peak of {} cd/m2 is outside 100..10000", peak_nits);
  const bool mix = !same_primaries(from.primaries, to.primaries);
  if (!mix && same_curve(from.transfer, to.transfer)) return std::optional<ColorConverter>();

  ColorConverter converter;
  ColorPlan& plan = converter.plan_;
  plan.decode = curve_of(from.transfer, Direction::decode);
  plan.encode = curve_of(to.transfer, Direction::encode);
  if (mix) {
    plan.mix = true;
    const Matrix3 matrix = rgb_to_rgb(from.primaries, to.primaries);
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) plan.matrix[i][j] = static_cast<float>(matrix.m[i][j]);
  }
  if (light_to_pq) {
    plan.decoded_scale = static_cast<float>(hdr_reference_white_nits / pq_peak_nits);
    plan.brightest = 1;
    return std::optional(converter);
  }
  if (!is_hdr(from.transfer)) {
    const bool codes = to.transfer != TransferCharacteristic::linear;
    plan.lowest = codes ? -16.0f / 219 : std::numeric_limits<float>::lowest();
    plan.highest = codes ? 239.0f / 219 : std::numeric_limits<float>::max();
    return std::optional(converter);
  }
  // Light in units of the HLG display's peak. Between two PQ pictures there is no such display: units of PQ's own.
  const double gamma = hlg_system_gamma(peak_nits);
  const bool through_display = from.transfer != to.transfer;
  const auto pq_units = static_cast<float>(pq_peak_nits / (through_display ? peak_nits : pq_peak_nits));
  plan.brightest = 1;
  if (from.transfer == TransferCharacteristic::pq) plan.decoded_scale = pq_units;
  if (to.transfer == TransferCharacteristic::pq) plan.encoded_scale = 1 / pq_units;
  if (from.transfer == TransferCharacteristic::hlg) plan.ootf = static_cast<float>(gamma - 1);
  if (to.transfer == TransferCharacteristic::hlg) plan.inverse_ootf = static_cast<float>(1 / gamma - 1);
  return std::optional(converter);
}

void ColorConverter::run(const TensorView& rgb) const {
  const auto pixels = static_cast<size_t>(rgb.shape[2] * rgb.shape[3]);
  float* const planes[3] = {rgb.as<float>(), rgb.as<float>() + pixels, rgb.as<float>() + 2 * pixels};
  convert_color_row(plan_, pixels, planes);
}

}  // namespace framelift
