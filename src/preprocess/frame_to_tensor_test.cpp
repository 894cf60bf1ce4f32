#include "preprocess/frame_to_tensor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <thread>

#include "preprocess/pixel_test_support.h"

namespace framelift {
namespace {

constexpr float guard = -12345.0f;

// A tensor for a region with guard values behind it.
struct Output {
  explicit Output(const Region& region)
      : shape{1, 3, region.height, region.width}, values(static_cast<size_t>(shape.elements()) + 64, guard) {}
  TensorView view() { return {DType::f32, shape, reinterpret_cast<std::byte*>(values.data())}; }
  float at(int channel, int x, int y) const {
    return values[static_cast<size_t>((channel * shape[2] + y) * shape[3] + x)];
  }
  Shape shape;
  std::vector<float> values;
};

TEST(FrameToTensor, EveryInstructionSetEqualsReference) {
  std::mt19937 random(1);
  std::string sets;
  for_each_instruction_set([&](const std::string& set) {
    sets += " " + set;
    for (int bits : {8, 10, 16})
      for (const FormatCase& c : format_cases(bits, MatrixCoefficients::bt709, ColorRange::limited)) {
        const auto converter = FrameToTensor::create(c.format, c.color).value();
        for (const auto& [width, height] : {std::pair{1, 1}, {2, 1}, {1, 2}, {3, 3}, {18, 5}, {131, 7}}) {
          const Frame frame = make_frame(c.format, width, height, random() % 2);
          fill_random(frame, random);
          auto between = [&](int low, int high) { return std::uniform_int_distribution(low, high)(random); };
          const Region regions[] = {{0, 0, width, height},
                                    {-5, -4, width + 11, height + 9},
                                    {between(-20, width), between(-9, height), between(1, 60), between(1, 9)},
                                    {between(0, width - 1), between(0, height - 1), 1, 1}};
          for (const Region& region : regions) {
            Output fast(region), slow(region);
            converter.run(frame, region, fast.view());
            converter.run_reference(frame, region, slow.view());
            ASSERT_EQ(0, std::memcmp(fast.values.data(), slow.values.data(), fast.values.size() * sizeof(float)))
                << set << ", " << c.name() << ", " << width << "x" << height << ", region " << region.x << ","
                << region.y << " " << region.width << "x" << region.height;
          }
        }
      }
  });
  std::cout << "compared:" << sets << "\n";
}

TEST(FrameToTensor, ValueDoesNotDependOnRegion) {
  std::mt19937 random(2);
  const int width = 37, height = 21;
  for (const FormatCase& c : format_cases(8, MatrixCoefficients::smpte170m, ColorRange::full)) {
    const auto converter = FrameToTensor::create(c.format, c.color).value();
    const Frame frame = make_frame(c.format, width, height);
    fill_random(frame, random);
    const Region around{-40, -30, 120, 90};
    Output whole(around);
    converter.run(frame, around, whole.view());
    for (int i = 0; i < 30; ++i) {
      Region part;
      part.x = std::uniform_int_distribution(-40, 79)(random);
      part.y = std::uniform_int_distribution(-30, 59)(random);
      part.width = std::uniform_int_distribution(1, 80 - part.x)(random);
      part.height = std::uniform_int_distribution(1, 60 - part.y)(random);
      Output out(part);
      converter.run(frame, part, out.view());
      for (int channel = 0; channel < 3; ++channel)
        for (int y = 0; y < part.height; ++y)
          for (int x = 0; x < part.width; ++x)
            ASSERT_EQ(out.at(channel, x, y), whole.at(channel, x + part.x + 40, y + part.y + 30)) << c.name();
    }
  }
}

TEST(FrameToTensor, OutsideIsNumpyReflect) {
  const PixelFormat gray{ColorFamily::gray, 8, 0, 0, false};
  const Frame frame = make_frame(gray, 3, 1);
  for (int x = 0; x < 3; ++x) set_code(frame, 0, x, 0, x);
  ColorInfo color;
  color.range = ColorRange::full;
  const Region region{-5, 0, 13, 1};
  Output out(region);
  FrameToTensor::create(gray, color).value().run(frame, region, out.view());
  const int expected[] = {1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1};  // numpy.pad([0, 1, 2], (5, 5), "reflect")
  for (int i = 0; i < 13; ++i) EXPECT_FLOAT_EQ(out.at(0, i, 0) * 255, static_cast<float>(expected[i])) << i;
}

TEST(FrameToTensor, NeutralCodesGiveExactGrays) {
  for (int bits = 8; bits <= 16; ++bits)
    for (const FormatCase& c : format_cases(bits, MatrixCoefficients::bt2020_ncl, ColorRange::limited)) {
      if (c.format.family != ColorFamily::yuv) continue;
      const int unit = 1 << (bits - 8);
      const Frame frame = make_frame(c.format, 4, 4);
      const Region all{0, 0, 4, 4};
      for (int y = 0; y < 4; ++y)
        for (int x = 0; x < 4; ++x) set_code(frame, 0, x, y, x < 2 ? 16 * unit : 235 * unit);
      for (int p = 1; p <= 2; ++p)
        for (int y = 0; y < frame.planes[p].height; ++y)
          for (int x = 0; x < frame.planes[p].width; ++x) set_code(frame, p, x, y, 128 * unit);
      Output out(all);
      FrameToTensor::create(c.format, c.color).value().run(frame, all, out.view());
      for (int channel = 0; channel < 3; ++channel) {
        EXPECT_EQ(out.at(channel, 0, 0), 0.0f) << c.name();
        EXPECT_NEAR(out.at(channel, 3, 3), 1.0f, 1e-7) << c.name();
        EXPECT_EQ(out.at(channel, 3, 3), out.at(0, 3, 3));
      }
    }
}

// Chroma at full-resolution position i of a row, from the definition rather than from the kernel's weights: co-sited,
// a straight line between neighbours; centred, the parabola whose means over three neighbouring chroma samples are
// those samples, averaged over the luma sample's half of its cell.
double chroma_by_definition(Siting siting, const std::vector<double>& c, int i, int size) {
  if (siting == Siting::none) return c[static_cast<size_t>(i)];
  const int last = static_cast<int>(c.size()) - 1, k = i / 2;
  auto at = [&](int j) { return c[static_cast<size_t>(std::clamp(j, 0, last))]; };
  if (siting == Siting::cosited) return i % 2 ? (at(k) + at(k + 1)) / 2 : at(k);
  if (size % 2 && i == size - 1) return at(k);
  const double slope = (at(k + 1) - at(k - 1)) / 2, bend = (at(k + 1) - 2 * at(k) + at(k - 1)) / 2;
  const double value_at_center = at(k) - bend / 12;
  auto integral = [&](double t) { return value_at_center * t + slope * t * t / 2 + bend * t * t * t / 3; };
  return i % 2 ? (integral(0.5) - integral(0)) / 0.5 : (integral(0) - integral(-0.5)) / 0.5;
}

TEST(FrameToTensor, ChromaFiltersMatchTheirDefinition) {
  std::mt19937 random(3);
  for (const FormatCase& c : format_cases(10, MatrixCoefficients::bt709, ColorRange::full)) {
    if (c.format.family != ColorFamily::yuv) continue;
    const ChromaSiting siting = chroma_siting(c.format, c.color.chroma_location);
    for (const auto& [width, height] : {std::pair{16, 10}, {15, 9}, {1, 2}, {5, 1}}) {
      const Frame frame = make_frame(c.format, width, height);
      fill_random(frame, random);
      const Region all{0, 0, width, height};
      Output out(all);
      FrameToTensor::create(c.format, c.color).value().run(frame, all, out.view());
      const Matrix3 forward = ycbcr_from_rgb(c.color.matrix);
      for (int p = 1; p <= 2; ++p)
        for (int y = 0; y < height; ++y)
          for (int x = 0; x < width; ++x) {
            std::vector<double> column;
            for (int row = 0; row < frame.planes[p].height; ++row) {
              std::vector<double> line;
              for (int i = 0; i < frame.planes[p].width; ++i) line.push_back(code_at(frame, p, i, row));
              column.push_back(chroma_by_definition(siting.x, line, x, width));
            }
            const double expected = chroma_by_definition(siting.y, column, y, height);
            double actual = 512;
            for (int i = 0; i < 3; ++i) actual += 1023 * forward.m[p][i] * out.at(i, x, y);
            ASSERT_NEAR(actual, expected, 1e-3) << c.name() << " plane " << p << " at " << x << ", " << y;
          }
    }
  }
}

TEST(FrameToTensor, ThreadsMayShareOneConverter) {
  std::mt19937 random(4);
  const FormatCase c = format_cases(8, MatrixCoefficients::bt709, ColorRange::limited)[3];
  const auto converter = FrameToTensor::create(c.format, c.color).value();
  const Frame frame = make_frame(c.format, 200, 100);
  fill_random(frame, random);
  const Region all{-3, -3, 206, 106};
  Output expected(all), first(all), second(all);
  converter.run_reference(frame, all, expected.view());
  std::thread other([&] { converter.run(frame, all, first.view()); });
  converter.run(frame, all, second.view());
  other.join();
  EXPECT_EQ(first.values, expected.values);
  EXPECT_EQ(second.values, expected.values);
}

TEST(FrameToTensor, RefusesWhatItCannotConvert) {
  ColorInfo color{MatrixCoefficients::bt2020_cl, TransferCharacteristic::bt709, ColorPrimaries::bt2020,
                  ColorRange::limited, ChromaLocation::left};
  const PixelFormat yuv{};
  auto code = [&] { return FrameToTensor::create(yuv, color).error().code; };
  EXPECT_EQ(code(), ErrorCode::unsupported);
  color.matrix = MatrixCoefficients::ictcp;
  EXPECT_EQ(code(), ErrorCode::unsupported);
  color.matrix = static_cast<MatrixCoefficients>(77);
  EXPECT_EQ(code(), ErrorCode::unsupported);
  color.matrix = MatrixCoefficients::unspecified;
  EXPECT_EQ(code(), ErrorCode::invalid_argument);
  color.matrix = MatrixCoefficients::bt709;
  EXPECT_TRUE(FrameToTensor::create(yuv, color).has_value());
  color.range = ColorRange::unspecified;
  EXPECT_EQ(code(), ErrorCode::invalid_argument);
  PixelFormat deep = yuv;
  deep.bits = 17;
  color.range = ColorRange::full;
  EXPECT_EQ(FrameToTensor::create(deep, color).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace framelift
