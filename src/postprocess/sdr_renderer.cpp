#include "postprocess/sdr_renderer.h"

#include <algorithm>

#include "color/tone_map.h"
#include "color/transfer.h"

namespace framelift {
namespace {

constexpr int band_rows = 16;
constexpr double usual_peak_nits = 1000;

bool is_wide_gamut(ColorPrimaries primaries) {
  return primaries == ColorPrimaries::bt2020 || primaries == ColorPrimaries::dci_p3 ||
         primaries == ColorPrimaries::display_p3;
}

}  // namespace

ColorInfo as_rgb(ColorInfo video) {
  video.matrix = MatrixCoefficients::rgb;
  video.range = ColorRange::full;
  return video;
}

double content_peak_nits(const HdrMetadata& hdr) {
  double nits = usual_peak_nits;
  if (hdr.content_light && hdr.content_light->max_content_nits > 0)
    nits = hdr.content_light->max_content_nits;
  else if (hdr.mastering_display && hdr.mastering_display->max_nits > 0)
    nits = hdr.mastering_display->max_nits;
  return std::clamp(nits, hdr_reference_white_nits, pq_peak_nits);
}

SdrRenderer::SdrRenderer(FrameToTensor to_tensor, TensorToFrame to_frame, int width)
    : to_tensor_(std::move(to_tensor)), to_frame_(std::move(to_frame)), band_(DType::f32, {1, 3, band_rows, width}) {}

Result<SdrRenderer> SdrRenderer::create(const PictureLayout& layout, const HdrMetadata& hdr, bool tone_map) {
  const ColorInfo& color = layout.color;
  const bool dither = layout.format.bits > format.bits;
  FL_TRY(auto to_tensor, FrameToTensor::create(layout.format, color));
  FL_TRY(auto to_frame, TensorToFrame::create(format, as_rgb(color), dither));
  SdrRenderer renderer(std::move(to_tensor), std::move(to_frame), layout.width);
  if (is_hdr(color.transfer)) {
    const bool pq = color.transfer == TransferCharacteristic::pq;
    if (tone_map) {
      FL_TRY(renderer.tone_map_, ToneMapper::create(color, pq ? content_peak_nits(hdr) : usual_peak_nits));
    }
  } else if (is_wide_gamut(color.primaries) || color.transfer == TransferCharacteristic::linear) {
    ColorInfo screen = color;
    screen.primaries = ColorPrimaries::bt709;
    if (color.transfer == TransferCharacteristic::linear) screen.transfer = TransferCharacteristic::srgb;
    FL_TRY(renderer.convert_, ColorConverter::create(color, screen));
  }
  return renderer;
}

void SdrRenderer::run(const Frame& src, const Frame& dst) {
  for (int y = 0; y < src.height; y += band_rows) {
    const Region band{0, y, src.width, std::min(band_rows, src.height - y)};
    const TensorView rgb{DType::f32, {1, 3, band.height, band.width}, band_.data()};
    to_tensor_.run(src, band, rgb);
    if (tone_map_) tone_map_->run(rgb);
    if (convert_) convert_->run(rgb);
    to_frame_.run(rgb, band, band, dst);
  }
}

}  // namespace framelift
