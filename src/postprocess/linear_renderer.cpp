#include "postprocess/linear_renderer.h"

#include <algorithm>
#include <cmath>

namespace framelift {

LinearRenderer::LinearRenderer(FrameToTensor to_tensor, TensorToFrame to_frame, const GamutMap& gamut)
    : to_tensor_(std::move(to_tensor)), to_frame_(std::move(to_frame)), gamut_(gamut) {}

Result<LinearRenderer> LinearRenderer::create(const PictureLayout& src, const PictureAttributes& attributes,
                                              const PictureLayout& dst, DisplayCurve curve, double exposure_ev) {
  if (src.color.transfer != TransferCharacteristic::linear)
    return fail(ErrorCode::unsupported, "the picture is not linear light, so that there is nothing to tone-map");
  FL_TRY(auto to_tensor, FrameToTensor::create(src.format, src.color));
  FL_TRY(auto to_frame, TensorToFrame::create(dst.format, dst.color, dst.format.bits < src.format.bits));
  const GamutMap gamut(attributes.chromaticities.value_or(chromaticities(src.color.primaries)));
  LinearRenderer renderer(std::move(to_tensor), std::move(to_frame), gamut);
  renderer.curve_ = curve;
  renderer.exposure_ = std::exp2(exposure_ev);
  renderer.white_nits_ = attributes.white_nits;
  renderer.rgb_ = Tensor(DType::f32, {1, 3, src.height, src.width});
  return renderer;
}

void LinearRenderer::run(const Frame& src, const Frame& dst) {
  const Region all{0, 0, src.width, src.height};
  to_tensor_.run(src, all, rgb_.view());
  const auto pixels = static_cast<size_t>(src.width) * static_cast<size_t>(src.height);
  float* const light = rgb_.as<float>();
  const auto for_each_pixel = [&](const auto& f) {
    for (size_t i = 0; i < pixels; ++i) {
      double rgb[3] = {light[i], light[i + pixels], light[i + 2 * pixels]};
      f(rgb);
      for (size_t c = 0; c < 3; ++c) light[i + c * pixels] = static_cast<float>(rgb[c]);
    }
  };
  LightRange range;
  for_each_pixel([&](double(&rgb)[3]) {
    for (double& x : rgb) x = std::isfinite(x) ? x * exposure_ : 0;
    gamut_.run(rgb);
    for (double& x : rgb) x = std::max(x, 0.0);
    range.largest_component = std::max(range.largest_component, *std::ranges::max_element(rgb));
    range.largest_luminance = std::max(range.largest_luminance, bt709_luminance(rgb));
  });
  const DisplayMap map(curve_, range, white_nits_);
  for_each_pixel([&](double(&rgb)[3]) { map.run(rgb); });
  to_frame_.run(rgb_.view(), all, all, dst);
}

}  // namespace framelift
