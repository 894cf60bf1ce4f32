// One pixel of a frame as R, G, B: what every way of reading frames computes, whether row by row in vectors
// (preprocess/, which has this as its oracle) or pixel by pixel on a GPU.
#pragma once

#include <cstddef>

#include "base/host_device.h"
#include "color/matrix.h"
#include "frame/chroma.h"

namespace framelift {

// The samples of a picture, in memory that the code at work can reach: the host's or a GPU's.
struct SamplePicture {
  int width = 0, height = 0;                // in pixels
  int chroma_width = 0, chroma_height = 0;  // of planes 1 and 2 of YUV
  std::byte* data[3] = {};
  ptrdiff_t stride_bytes[3] = {};

  template <class Sample>
  FRAMELIFT_HD Sample* row(int plane, int y) const {
    return reinterpret_cast<Sample*>(data[plane] + y * stride_bytes[plane]);
  }
};

// How a frame's samples become signals: of one pixel format and colour.
struct PixelReading {
  ColorFamily family = ColorFamily::yuv;
  ChromaSiting siting;
  CodeToRgb transform;
};

// Chroma at a full-resolution pixel, in code values; exact.
template <class Sample>
FRAMELIFT_HD float chroma_at(const SamplePicture& picture, int plane, ChromaSiting siting, int x, int y) {
  const UpsampleWeights wx = upsample_weights(siting.x, x), wy = upsample_weights(siting.y, y);
  const int kx = siting.x == Siting::none ? x : x / 2, ky = siting.y == Siting::none ? y : y / 2;
  const auto across = [&](int row_index) {
    const Sample* row = picture.row<const Sample>(plane, row_index);
    return wx.before * static_cast<float>(row[chroma_before(kx)]) + wx.here * static_cast<float>(row[kx]) +
           wx.after * static_cast<float>(row[chroma_after(kx, picture.chroma_width, picture.width)]);
  };
  return wy.before * across(chroma_before(ky)) + wy.here * across(ky) +
         wy.after * across(chroma_after(ky, picture.chroma_height, picture.height));
}

// R, G, B at x, y inside the picture. 0 = black, 1 = white, nothing is clamped; floats stay as they are.
template <class Sample>
FRAMELIFT_HD void read_pixel(const PixelReading& reading, const SamplePicture& picture, int x, int y, float (&rgb)[3]) {
  const CodeToRgb& t = reading.transform;
  const auto signal = [&](int plane) {
    return (static_cast<float>(picture.row<const Sample>(plane, y)[x]) - t.y_offset) * t.y_scale;
  };
  if (reading.family != ColorFamily::yuv) {
    for (int c = 0; c < 3; ++c) rgb[c] = signal(reading.family == ColorFamily::gray ? 0 : c);
    return;
  }
  const float luma = signal(0);
  const float u = chroma_at<Sample>(picture, 1, reading.siting, x, y) - t.c_offset;
  const float v = chroma_at<Sample>(picture, 2, reading.siting, x, y) - t.c_offset;
  for (int c = 0; c < 3; ++c) rgb[c] = luma + (t.chroma[c][0] * u + t.chroma[c][1] * v);
}

}  // namespace framelift
