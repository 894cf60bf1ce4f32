// Where chroma samples sit and how planes are continued beyond the picture: the rules that upsampling (preprocess/) and
// downsampling (postprocess/) share, so that one is the exact inverse of the other. docs/colour.md derives them.
#pragma once

#include "base/host_device.h"
#include "color/color_info.h"
#include "frame/pixel_format.h"

namespace framelift {

enum class Siting : unsigned char {
  none,      // not subsampled along this axis
  cosited,   // chroma sample k sits on luma sample 2k
  centered,  // chroma sample k sits between luma samples 2k and 2k + 1
};

struct ChromaSiting {
  Siting x = Siting::none;
  Siting y = Siting::none;
};

constexpr ChromaSiting chroma_siting(const PixelFormat& format, ChromaLocation location) {
  ChromaSiting siting;
  if (format.family != ColorFamily::yuv) return siting;
  if (format.chroma_shift_x) siting.x = location == ChromaLocation::center ? Siting::centered : Siting::cosited;
  if (format.chroma_shift_y) siting.y = location == ChromaLocation::top_left ? Siting::cosited : Siting::centered;
  return siting;
}

// Index into 0..size-1 of the reflection that does not repeat the edge sample: -1 -> 1, size -> size - 2, and on
// again over any distance. A single sample is repeated.
FRAMELIFT_HD constexpr int reflect(int i, int size) {
  if (size == 1) return 0;
  const int period = 2 * (size - 1);
  i %= period;
  if (i < 0) i += period;
  return i < size ? i : period - i;
}

// Upsampling makes sample i of an axis from chroma samples k = i / 2, chroma_before(k) and chroma_after(k):
//   co-sited   even c[k]                                 odd (c[k] + c[after]) / 2
//   centred    even c[k] + (c[before] - c[after]) / 8    odd c[k] + (c[after] - c[before]) / 8
// All factors are powers of two, so that the result is exact in float for codes of up to 16 bits and both axes.
FRAMELIFT_HD constexpr int chroma_before(int k) { return k > 0 ? k - 1 : 0; }

// Beyond its last sample chroma repeats. Where the size is odd that sample belongs to one pixel alone and has to equal
// it, for downsampling to be exact; so there the slope is made to vanish.
FRAMELIFT_HD constexpr int chroma_after(int k, int count, int size) {
  if (k + 1 < count) return k + 1;
  return size % 2 ? chroma_before(k) : k;
}

struct UpsampleWeights {
  float before = 0, here = 1, after = 0;
};

FRAMELIFT_HD constexpr UpsampleWeights upsample_weights(Siting siting, int i) {
  const bool odd = i & 1;
  if (siting == Siting::cosited && odd) return {0, 0.5f, 0.5f};
  if (siting == Siting::centered)
    return odd ? UpsampleWeights{-0.125f, 1, 0.125f} : UpsampleWeights{0.125f, 1, -0.125f};
  return {};
}

}  // namespace framelift
