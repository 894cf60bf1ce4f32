#include "preprocess/frame_to_tensor.h"

namespace framelift {
namespace {

// Chroma at a full-resolution pixel, in code values; exact.
template <class Sample>
float chroma_at(const PlaneView& plane, ChromaSiting siting, int x, int y, int width, int height) {
  const UpsampleWeights wx = upsample_weights(siting.x, x), wy = upsample_weights(siting.y, y);
  const int kx = siting.x == Siting::none ? x : x / 2, ky = siting.y == Siting::none ? y : y / 2;
  const auto across = [&](int row_index) {
    const Sample* row = plane.row<const Sample>(row_index);
    return wx.before * static_cast<float>(row[chroma_before(kx)]) + wx.here * static_cast<float>(row[kx]) +
           wx.after * static_cast<float>(row[chroma_after(kx, plane.width, width)]);
  };
  return wy.before * across(chroma_before(ky)) + wy.here * across(ky) +
         wy.after * across(chroma_after(ky, plane.height, height));
}

}  // namespace

template <class Sample>
void FrameToTensor::reference(const Frame& frame, const Region& region, const TensorView& dst) const {
  const CodeToRgb& t = transform_;
  const int64_t plane_size = int64_t{region.width} * region.height;
  float* out = dst.as<float>();
  for (int row = 0; row < region.height; ++row)
    for (int column = 0; column < region.width; ++column, ++out) {
      const int x = reflect(region.x + column, frame.width), y = reflect(region.y + row, frame.height);
      auto signal = [&](int plane) {
        return (static_cast<float>(frame.planes[plane].row<const Sample>(y)[x]) - t.y_offset) * t.y_scale;
      };
      if (format_.family != ColorFamily::yuv) {
        for (int c = 0; c < 3; ++c) out[c * plane_size] = signal(format_.family == ColorFamily::gray ? 0 : c);
        continue;
      }
      const float luma = signal(0);
      const float u = chroma_at<Sample>(frame.planes[1], siting_, x, y, frame.width, frame.height) - t.c_offset;
      const float v = chroma_at<Sample>(frame.planes[2], siting_, x, y, frame.width, frame.height) - t.c_offset;
      for (int c = 0; c < 3; ++c) out[c * plane_size] = luma + (t.chroma[c][0] * u + t.chroma[c][1] * v);
    }
}

void FrameToTensor::run_reference(const Frame& frame, const Region& region, const TensorView& dst) const {
  if (format_.is_float())
    reference<float>(frame, region, dst);
  else if (format_.bits > 8)
    reference<uint16_t>(frame, region, dst);
  else
    reference<uint8_t>(frame, region, dst);
}

}  // namespace framelift
