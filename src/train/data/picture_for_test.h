// Pictures for the tests of train/data.
#pragma once

#include <gtest/gtest.h>

#include "train/data/random_stream.h"
#include "train/data/rgb_picture.h"

namespace framelift::test {

// [1, 3, height, width] of random values in [low, high).
inline Tensor random_picture(int height, int width, uint64_t seed, double low = 0, double high = 1) {
  Tensor picture(DType::f32, {1, 3, height, width});
  RandomStream random{seed};
  for (float& v : picture.f32()) v = static_cast<float>(random.uniform(low, high));
  return picture;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

// Writes an sRGB picture with `bits` a sample; a format that the name does not hold is an error.
inline void write_srgb(const std::string& path, Tensor& rgb, uint8_t bits = 8) {
  const ColorInfo srgb{MatrixCoefficients::rgb, TransferCharacteristic::srgb, ColorPrimaries::bt709, ColorRange::full,
                       ChromaLocation::left};
  const Status status = write_rgb_picture(path, rgb.view(), {{ColorFamily::rgb, bits}, srgb, "", {}, true});
  ASSERT_TRUE(status) << status.error().message;
}

}  // namespace framelift::test
