#include "postprocess/light_levels.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "color/pq.h"
#include "postprocess/light_levels_kernels.h"

namespace framelift {
namespace {

// A row's sum is kept in float: short pieces keep its rounding far below that of the curve.
constexpr int piece = 4096;

// Rows converted at once: those that share a chroma row, so that it is filtered once and R, G, B stay in the cache.
constexpr int band_rows = 2;

int whole_nits(double nits) { return std::max(1, static_cast<int>(std::lround(nits))); }

}  // namespace

LightMeter::LightMeter(FrameToTensor to_tensor, int reach, int width)
    : to_tensor_(std::move(to_tensor)), reach_(reach), rgb_(DType::f32, {1, 3, band_rows, width}) {}

Result<LightMeter> LightMeter::create(const PixelFormat& format, const ColorInfo& color, int width) {
  FL_TRY(auto to_tensor, FrameToTensor::create(format, color));
  return LightMeter(std::move(to_tensor), chroma_siting(format, color.chroma_location).y == Siting::none ? 0 : 2,
                    width);
}

void LightMeter::add(const Frame& frame, int finished_rows) {
  const int end = finished_rows < frame.height ? finished_rows - reach_ : frame.height;
  for (; measured_rows_ < end; measured_rows_ += std::min(band_rows, end - measured_rows_)) {
    const int rows = std::min(band_rows, end - measured_rows_);
    TensorView rgb = rgb_.view();
    rgb.shape = Shape{1, 3, rows, frame.width};
    to_tensor_.run(frame, {0, measured_rows_, frame.width, rows}, rgb);
    const int pixels = rows * frame.width;
    for (int i = 0; i < pixels; i += piece) {
      const float* p = rgb.as<float>() + i;
      const RowLight light =
          measure_row(p, p + pixels, p + int64_t{2} * pixels, static_cast<size_t>(std::min(piece, pixels - i)));
      max_code_ = std::max(max_code_, light.max_code);
      sum_nits_ += static_cast<double>(light.sum_nits);
    }
    pixels_ += pixels;
  }
}

void LightMeter::end_frame() {
  if (pixels_ > 0)
    max_frame_average_nits_ = std::max(max_frame_average_nits_, sum_nits_ / static_cast<double>(pixels_));
  sum_nits_ = 0;
  pixels_ = 0;
  measured_rows_ = 0;
  ++frames_;
}

double LightMeter::max_content_nits() const { return pq_eotf(static_cast<double>(max_code_)); }

HdrMetadata measured_metadata(const LightMeter& meter, const HdrMetadata& given) {
  HdrMetadata metadata = given;
  if (meter.frames() == 0) return metadata;
  if (!metadata.content_light)
    metadata.content_light = {whole_nits(meter.max_content_nits()), whole_nits(meter.max_frame_average_nits())};
  if (!metadata.mastering_display) {
    double peak = pq_peak_nits;
    for (double candidate : {4000.0, 2000.0, 1000.0})
      if (whole_nits(meter.max_content_nits()) <= candidate) peak = candidate;
    metadata.mastering_display = mastering_display(ColorPrimaries::bt2020, peak);
  }
  return metadata;
}

}  // namespace framelift
