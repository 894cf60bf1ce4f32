#include "postprocess/tensor_to_frame.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iostream>
#include <limits>

#include "preprocess/pixel_test_support.h"

namespace framelift {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

Tensor random_tensor(const Region& covered, std::mt19937& random, float low, float high) {
  Tensor tensor(DType::f32, {1, 3, covered.height, covered.width});
  std::uniform_real_distribution<float> value(low, high);
  for (float& v : tensor.f32()) v = value(random);
  return tensor;
}

// The part of a tensor over `covered` that lies in `part`.
Tensor crop(const Tensor& from, const Region& covered, const Region& part) {
  Tensor to(DType::f32, {1, 3, part.height, part.width});
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < part.height; ++y)
      std::memcpy(to.as<float>() + (c * part.height + y) * part.width,
                  from.as<float>() + (c * covered.height + y + part.y - covered.y) * covered.width + part.x - covered.x,
                  static_cast<size_t>(part.width) * sizeof(float));
  return to;
}

// A region run() accepts: even start, even end or the border.
Region random_region(int width, int height, std::mt19937& random) {
  auto between = [&](int low, int high) { return std::uniform_int_distribution(low, high)(random); };
  Region r;
  r.x = between(0, (width - 1) / 2) * 2;
  r.y = between(0, (height - 1) / 2) * 2;
  r.width = std::min(between(1, 30) * 2, width - r.x);
  r.height = std::min(between(1, 6) * 2, height - r.y);
  return r;
}

Region with_margin(const Region& r, int margin, int width, int height) {
  const int x = std::max(r.x - margin, 0), y = std::max(r.y - margin, 0);
  return {x, y, std::min(r.right() + margin, width) - x, std::min(r.bottom() + margin, height) - y};
}

TEST(TensorToFrame, EveryInstructionSetEqualsReference) {
  std::mt19937 random(1);
  std::string sets;
  for_each_instruction_set([&](const std::string& set) {
    sets += " " + set;
    for (int bits : {8, 10, 16})
      for (const FormatCase& c : format_cases(bits, MatrixCoefficients::bt709, ColorRange::limited))
        for (bool dither : {false, true}) {
          const auto converter = TensorToFrame::create(c.format, c.color, dither).value();
          for (const auto& [width, height] : {std::pair{1, 1}, {2, 1}, {1, 2}, {3, 3}, {18, 5}, {131, 14}}) {
            const Region covered{-3, -1, width + 4, height + 6};
            Tensor tensor = random_tensor(covered, random, -0.3f, 1.3f);
            for (float& v : tensor.f32())
              if (const auto roll = random() % 97; roll < 3) v = roll == 0 ? nan : roll == 1 ? infinity : -infinity;
            const Region regions[] = {{0, 0, width, height}, random_region(width, height, random)};
            for (const Region& region : regions) {
              const bool bottom_up = random() % 2;
              const Frame fast = make_frame(c.format, width, height, bottom_up);
              const Frame slow = make_frame(c.format, width, height, bottom_up);
              converter.run(tensor.view(), covered, region, fast);
              converter.run_reference(tensor.view(), covered, region, slow);
              // All bytes: also those around the region and between the rows, which must stay untouched.
              ASSERT_EQ(static_cast<FrameBytes*>(fast.memory.get())->bytes,
                        static_cast<FrameBytes*>(slow.memory.get())->bytes)
                  << set << ", " << c.name() << ", " << width << "x" << height << ": " << difference(fast, slow);
            }
          }
        }
  });
  std::cout << "compared:" << sets << "\n";
}

TEST(TensorToFrame, RegionsWithMarginGiveTheWholePicture) {
  std::mt19937 random(2);
  for (const FormatCase& c : format_cases(8, MatrixCoefficients::bt709, ColorRange::limited)) {
    const auto converter = TensorToFrame::create(c.format, c.color, true).value();
    for (const auto& [width, height] : {std::pair{64, 32}, {63, 31}}) {
      const Region all{0, 0, width, height};
      const Tensor tensor = random_tensor(all, random, 0, 1);
      const Frame whole = make_frame(c.format, width, height), tiled = make_frame(c.format, width, height);
      Tensor copy = tensor.clone();
      converter.run(copy.view(), all, all, whole);
      for (int y = 0; y < height; y += 10)
        for (int x = 0; x < width; x += 14) {
          const Region region{x, y, std::min(14, width - x), std::min(10, height - y)};
          const Region covered = with_margin(region, converter.margin(), width, height);
          Tensor tile = crop(tensor, all, covered);
          converter.run(tile.view(), covered, region, tiled);
        }
      EXPECT_EQ(difference(whole, tiled), "") << c.name();
    }
  }
}

TEST(TensorToFrame, MarginIsWhatTheFilterReaches) {
  auto margin = [](int shift_x, int shift_y, ChromaLocation location) {
    const PixelFormat format{ColorFamily::yuv, 8, static_cast<uint8_t>(shift_x), static_cast<uint8_t>(shift_y), false};
    const ColorInfo color{MatrixCoefficients::bt709, TransferCharacteristic::bt709, ColorPrimaries::bt709,
                          ColorRange::limited, location};
    return TensorToFrame::create(format, color, false).value().margin();
  };
  EXPECT_EQ(margin(0, 0, ChromaLocation::left), 0);
  EXPECT_EQ(margin(1, 1, ChromaLocation::left), 2);
  EXPECT_EQ(margin(1, 1, ChromaLocation::center), 0);
  EXPECT_EQ(margin(1, 1, ChromaLocation::top_left), 2);
  EXPECT_EQ(margin(0, 1, ChromaLocation::left), 0);
}

// One gray sample.
int quantise(float value, int bits, ColorRange range) {
  const PixelFormat format{ColorFamily::gray, static_cast<uint8_t>(bits), 0, 0, false};
  ColorInfo color;
  color.range = range;
  const Frame frame = make_frame(format, 1, 1);
  const Region all{0, 0, 1, 1};
  Tensor tensor = Tensor::filled({1, 3, 1, 1}, value);
  TensorToFrame::create(format, color, false).value().run(tensor.view(), all, all, frame);
  return code_at(frame, 0, 0, 0);
}

TEST(TensorToFrame, ClampsAndSurvivesNanAndInfinity) {
  for (int bits = 8; bits <= 16; ++bits) {
    const int top = (1 << bits) - 1, unit = 1 << (bits - 8);
    EXPECT_EQ(quantise(0, bits, ColorRange::full), 0);
    EXPECT_EQ(quantise(1, bits, ColorRange::full), top);
    EXPECT_EQ(quantise(0, bits, ColorRange::limited), 16 * unit);
    EXPECT_EQ(quantise(1, bits, ColorRange::limited), 235 * unit);
    EXPECT_EQ(quantise(1.02f, bits, ColorRange::limited), std::lround((16 + 1.02 * 219) * unit)) << "headroom is kept";
    EXPECT_EQ(quantise(nan, bits, ColorRange::limited), 16 * unit) << "NaN is black";
    for (float huge : {2.0f, 1e9f, infinity}) {
      EXPECT_EQ(quantise(huge, bits, ColorRange::limited), top);
      EXPECT_EQ(quantise(-huge, bits, ColorRange::limited), 0);
    }
  }
}

TEST(TensorToFrame, NanIsBlackAndColourless) {
  for (const FormatCase& c : format_cases(8, MatrixCoefficients::bt709, ColorRange::limited)) {
    const Region all{0, 0, 8, 8};
    Tensor tensor = Tensor::filled({1, 3, 8, 8}, 0.5f);
    for (int i = 0; i < 64; ++i) tensor.as<float>()[i] = nan;  // R only
    const Frame frame = make_frame(c.format, 8, 8);
    TensorToFrame::create(c.format, c.color, false).value().run(tensor.view(), all, all, frame);
    EXPECT_EQ(code_at(frame, 0, 3, 3), 16) << c.name();
    if (c.format.family != ColorFamily::yuv) continue;
    EXPECT_EQ(code_at(frame, 1, 1, 1), 128) << c.name();
    EXPECT_EQ(code_at(frame, 2, 1, 1), 128) << c.name();
  }
}

TEST(TensorToFrame, GrayIsLumaOfItsMatrix) {
  const PixelFormat gray{ColorFamily::gray, 16, 0, 0, false};
  const Region all{0, 0, 1, 1};
  auto green = [&](MatrixCoefficients matrix) {
    ColorInfo color;
    color.matrix = matrix;
    color.range = ColorRange::full;
    Tensor tensor = Tensor::filled({1, 3, 1, 1}, 0);
    tensor.f32()[1] = 1;
    const Frame frame = make_frame(gray, 1, 1);
    TensorToFrame::create(gray, color, false).value().run(tensor.view(), all, all, frame);
    return code_at(frame, 0, 0, 0) / 65535.0;
  };
  EXPECT_NEAR(green(MatrixCoefficients::unspecified), 0.7152, 1e-5);
  EXPECT_NEAR(green(MatrixCoefficients::rgb), 0.7152, 1e-5);
  EXPECT_NEAR(green(MatrixCoefficients::smpte170m), 0.587, 1e-5);
  EXPECT_NEAR(green(MatrixCoefficients::bt2020_ncl), 0.678, 1e-5);
}

TEST(TensorToFrame, AlphaIsOpaqueInTheRegionOnly) {
  for (int bits : {8, 12}) {
    const PixelFormat format{ColorFamily::rgb, static_cast<uint8_t>(bits), 0, 0, true};
    ColorInfo color;
    color.range = ColorRange::full;
    const Frame frame = make_frame(format, 4, 4);
    const int before = code_at(frame, 3, 0, 0);
    const Region all{0, 0, 4, 4};
    Tensor tensor = Tensor::filled({1, 3, 4, 4}, 0);
    TensorToFrame::create(format, color, false).value().run(tensor.view(), all, {2, 1, 2, 3}, frame);
    EXPECT_EQ(code_at(frame, 3, 2, 1), (1 << bits) - 1);
    EXPECT_EQ(code_at(frame, 3, 1, 1), before);
    EXPECT_EQ(code_at(frame, 3, 2, 0), before);
  }
}

TEST(Dither, IsAPermutationWithMeanZero) {
  const BiasTable table({16, 16, 16}, true);
  for (int plane = 0; plane < 3; ++plane) {
    std::vector<int> seen(64, 0);
    float sum = 0;
    for (int y = 0; y < 8; ++y)
      for (int x = 0; x < 8; ++x) {
        const float offset = dither_offset(plane, x, y);
        sum += offset;
        ++seen[static_cast<size_t>(std::lround((offset + 0.5f) * 64 - 0.5f))];
        EXPECT_EQ(offset + 16, *table.row(plane, x + 16, y + 8));
      }
    EXPECT_EQ(sum, 0.0f);
    for (int count : seen) EXPECT_EQ(count, 1);
  }
}

TEST(Dither, KeepsTheMeanOfAFlatArea) {
  const PixelFormat gray{ColorFamily::gray, 8, 0, 0, false};
  ColorInfo color;
  color.range = ColorRange::full;
  const Region all{0, 0, 32, 32};
  for (float code : {100.0f, 100.25f, 100.5f, 100.9f}) {
    Tensor tensor = Tensor::filled({1, 3, 32, 32}, code / 255);
    const Frame frame = make_frame(gray, 32, 32);
    TensorToFrame::create(gray, color, true).value().run(tensor.view(), all, all, frame);
    double sum = 0;
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x) {
        const int value = code_at(frame, 0, x, y);
        EXPECT_NEAR(value, code, 1.0);
        sum += value;
      }
    EXPECT_NEAR(sum / 1024, code, 1.0 / 64) << "of code " << code;
  }
}

}  // namespace
}  // namespace framelift
