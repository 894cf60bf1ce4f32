// One sample of a frame from R, G, B: what every way of writing frames computes, whether row by row in vectors
// (postprocess/, which has this as its oracle) or sample by sample on a GPU.
#pragma once

#include <cmath>

#include "base/host_device.h"
#include "color/matrix.h"
#include "frame/chroma.h"

namespace framelift {

inline constexpr int dither_size = 8;

// Ordered dither: Bayer's 8x8 threshold matrix, built by interleaving the bits of x ^ y and y. Offset in (-0.5, 0.5),
// in output steps, added before rounding. Its mean over the matrix is 0, and a value that is a code already stays that
// code. Each plane uses the matrix shifted, so that planes do not step together.
FRAMELIFT_HD constexpr float dither_offset(int plane, int x, int y) {
  x = (x + 3 * plane) & (dither_size - 1);
  y = (y + 5 * plane) & (dither_size - 1);
  int rank = 0;
  for (int bit = 0; bit < 3; ++bit) rank = rank << 2 | (((x ^ y) >> bit) & 1) << 1 | ((y >> bit) & 1);
  return (static_cast<float>(rank) + 0.5f) / (dither_size * dither_size) - 0.5f;
}

// How signals become codes: of one pixel format (not of floats) and colour.
struct PixelWriting {
  ColorFamily family = ColorFamily::yuv;
  ChromaSiting siting;
  RgbToCode transform;
  float top = 255;  // the highest code
  bool dither = false;

  FRAMELIFT_HD ChromaSiting siting_of(int plane) const {
    return family == ColorFamily::yuv && plane > 0 ? siting : ChromaSiting{};
  }
};

// The LeGall filter along one axis, in the order of operations of the vector kernels.
template <class At>
FRAMELIFT_HD float downsample(int k, int size, const At& at) {
  const auto sample = [&](int j) { return at(reflect(2 * k + j, size)); };
  return (sample(0) * 0.75f + (sample(-1) + sample(1)) * 0.25f) - (sample(-2) + sample(2)) * 0.125f;
}

// Sample x, y of a plane of a width x height picture, before offset, dither, clamping and rounding. `rgb(channel, x,
// y)` is the signal of a pixel.
template <class Rgb>
FRAMELIFT_HD float yuv_code_at(const PixelWriting& writing, const Rgb& rgb, int plane, int x, int y, int width,
                               int height) {
  const ChromaSiting siting = writing.siting_of(plane);
  const auto weighted = [&](int column, int row, int second_row, float scale) {
    float sum = 0;
    for (int c = 0; c < 3; ++c) {
      float value = rgb(c, column, row);
      if (second_row != row) value += rgb(c, column, second_row);
      const float term = writing.transform.m[plane][c] * scale * value;
      sum = c == 0 ? term : sum + term;
    }
    return sum;
  };
  const auto along_y = [&](int column) {
    if (siting.y == Siting::none) return weighted(column, y, y, 1.0f);
    if (siting.y == Siting::centered) {
      const int second = 2 * y + 1 < height ? 2 * y + 1 : height - 1;
      return weighted(column, 2 * y, second, second == 2 * y ? 1.0f : 0.5f);
    }
    return 0.0f;
  };
  const auto along_x = [&](const auto& at) {
    if (siting.x == Siting::none) return at(x);
    if (siting.x == Siting::centered) return (at(2 * x) + at(2 * x + 1 < width ? 2 * x + 1 : width - 1)) * 0.5f;
    return downsample(x, width, at);
  };
  if (siting.y != Siting::cosited) return along_x(along_y);
  return downsample(y, height,
                    [&](int row) { return along_x([&](int column) { return weighted(column, row, row, 1.0f); }); });
}

// The code of that sample: clamped, rounded to nearest even, dithered where asked. NaN is black, or colourless.
template <class Rgb>
FRAMELIFT_HD float code_at(const PixelWriting& writing, const Rgb& rgb, int plane, int x, int y, int width,
                           int height) {
  float code = writing.family == ColorFamily::rgb ? writing.transform.m[plane][plane] * rgb(plane, x, y)
                                                  : yuv_code_at(writing, rgb, plane, x, y, width, height);
  if (code != code) code = 0;
  code += writing.transform.offset[plane] + (writing.dither ? dither_offset(plane, x, y) : 0.0f);
  return std::nearbyint(code > 0 ? (code < writing.top ? code : writing.top) : 0.0f);
}

}  // namespace framelift
