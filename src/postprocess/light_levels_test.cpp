// The light meter against a double-precision evaluation of CTA-861.3 and ST 2084 on finished frames.
#include "postprocess/light_levels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "color/pq.h"
#include "postprocess/light_levels_kernels.h"
#include "postprocess/tensor_to_frame.h"
#include "preprocess/pixel_test_support.h"

namespace framelift {
namespace {

constexpr ColorInfo pq_color(ChromaLocation location) {
  return {MatrixCoefficients::bt2020_ncl, TransferCharacteristic::pq, ColorPrimaries::bt2020, ColorRange::limited,
          location};
}

// 16-bit full-range RGB: a code is code / 65535 of PQ.
constexpr PixelFormat rgb16{ColorFamily::rgb, 16, 0, 0, false};
constexpr ColorInfo rgb_color{MatrixCoefficients::rgb, TransferCharacteristic::pq, ColorPrimaries::bt2020,
                              ColorRange::full, ChromaLocation::unspecified};

// Per pixel: R, G, B by the scalar definition, each linearised in double, then the largest.
struct Reference {
  double max = 0, mean = 0;
  Reference(const Frame& frame, const ColorInfo& color) {
    Tensor rgb(DType::f32, {1, 3, frame.height, frame.width});
    FrameToTensor::create(frame.format, color)
        .value()
        .run_reference(frame, {0, 0, frame.width, frame.height}, rgb.view());
    const int64_t pixels = int64_t{frame.width} * frame.height;
    for (int64_t i = 0; i < pixels; ++i) {
      double light = 0;
      for (int64_t c = 0; c < 3; ++c)
        light = std::max(light, pq_eotf(std::clamp(static_cast<double>(rgb.as<float>()[c * pixels + i]), 0.0, 1.0)));
      max = std::max(max, light);
      mean += light / static_cast<double>(pixels);
    }
  }
};

void measure(LightMeter& meter, const Frame& frame) {
  meter.add(frame, frame.height);
  meter.end_frame();
}

Frame gray_frame(int width, int height, double code) {
  Frame frame = make_frame(rgb16, width, height);
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) set_code(frame, p, x, y, static_cast<int>(std::lround(code * 65535)));
  return frame;
}

TEST(LightMeter, EqualsADoublePrecisionEvaluation) {
  std::mt19937 random(3);
  for (int bits : {10, 12})
    for (const FormatCase& c : format_cases(bits, MatrixCoefficients::bt2020_ncl, ColorRange::limited))
      for (const auto& [width, height] : {std::pair{1, 1}, {17, 17}, {67, 34}, {5000, 3}}) {
        SCOPED_TRACE(fmt::format("{} {}x{}", c.name(), width, height));
        const Frame frame = make_frame(c.format, width, height);
        fill_random(frame, random);
        const Reference expected(frame, c.color);
        LightMeter meter = LightMeter::create(c.format, c.color, width).value();
        measure(meter, frame);
        EXPECT_DOUBLE_EQ(meter.max_content_nits(), expected.max);
        // 2e-5 of the curve; 1e-3 cd/m2 for what lies below 0.1.
        EXPECT_NEAR(meter.max_frame_average_nits(), expected.mean, 2e-5 * expected.mean + 1e-3);
      }
}

TEST(LightMeter, CurveIsWithinItsBounds) {
  for_each_instruction_set([](const std::string& name) {
    SCOPED_TRACE(name);
    for (int i = 0; i <= 65535; ++i) {
      const float code = static_cast<float>(i) / 65535, zero = 0;
      const RowLight light = measure_row(&zero, &code, &zero, 1);
      const double exact = pq_eotf(static_cast<double>(code));
      ASSERT_EQ(light.max_code, code);
      ASSERT_NEAR(static_cast<double>(light.sum_nits), exact, code >= 1.0f / 16 ? 2e-5 * exact : 1e-3) << i;
    }
  });
}

TEST(LightMeter, LongRowsSumAsShortOnes) {
  std::vector<float> row(1000);
  std::mt19937 random(5);
  for (float& v : row) v = std::uniform_real_distribution<float>(-0.2f, 1.2f)(random);
  double sum = 0, max = 0;
  for (const float v : row) {
    const double light = pq_eotf(std::clamp(static_cast<double>(v), 0.0, 1.0));
    sum += light;
    max = std::max(max, std::clamp(static_cast<double>(v), 0.0, 1.0));
  }
  const RowLight light = measure_row(row.data(), row.data(), row.data(), row.size());
  EXPECT_NEAR(static_cast<double>(light.sum_nits), sum, 2e-5 * sum);
  EXPECT_EQ(static_cast<double>(light.max_code), max);
}

// Rows come in as they are finished; what lies below them is not read before its time.
TEST(LightMeter, MeasuresTheSameInBands) {
  std::mt19937 random(7);
  for (const ChromaLocation location : {ChromaLocation::left, ChromaLocation::top_left})
    for (const int height : {1, 2, 31, 64, 101})
      for (const int band : {2, 6, 32}) {
        const PixelFormat format{ColorFamily::yuv, 10, 1, 1, false};
        const int width = 45;
        Tensor picture(DType::f32, {1, 3, height, width});
        for (float& v : picture.f32()) v = std::uniform_real_distribution<float>(0, 0.7f)(random);
        const auto to_frame = TensorToFrame::create(format, pq_color(location), false).value();
        const Region all{0, 0, width, height};
        const Frame whole = make_frame(format, width, height), banded = make_frame(format, width, height);
        to_frame.run(picture.view(), all, all, whole);
        fill_random(banded, random);  // bright, until it is written
        LightMeter expected = LightMeter::create(format, pq_color(location), width).value();
        LightMeter meter = LightMeter::create(format, pq_color(location), width).value();
        measure(expected, whole);
        for (int y = 0; y < height; y += band) {
          const Region rows{0, y, width, std::min(band, height - y)};
          to_frame.run(picture.view(), all, rows, banded);
          meter.add(banded, rows.bottom());
        }
        meter.end_frame();
        EXPECT_EQ(meter.max_content_nits(), expected.max_content_nits()) << height << " in " << band;
        EXPECT_EQ(meter.max_frame_average_nits(), expected.max_frame_average_nits()) << height << " in " << band;
      }
}

TEST(LightMeter, FramesAreApart) {
  LightMeter meter = LightMeter::create(rgb16, rgb_color, 8).value();
  for (double code : {0.3, 0.6, 0.1}) measure(meter, gray_frame(8, 6, code));
  EXPECT_EQ(meter.frames(), 3);
  const double light = pq_eotf(std::lround(0.6 * 65535) / 65535.0);
  // A float code and 2e-5 of the curve.
  EXPECT_NEAR(meter.max_content_nits(), light, 1e-6 * light);
  EXPECT_NEAR(meter.max_frame_average_nits(), light, 2e-5 * light);
}

HdrMetadata metadata_of(double nits, const HdrMetadata& given = {}) {
  LightMeter meter = LightMeter::create(rgb16, rgb_color, 2).value();
  measure(meter, gray_frame(2, 2, pq_inverse_eotf(nits)));
  return measured_metadata(meter, given);
}

TEST(MeasuredMetadata, PicksTheMasteringPeak) {
  EXPECT_FALSE(measured_metadata(LightMeter::create(rgb16, rgb_color, 2).value(), {}).content_light);
  for (const auto& [nits, peak] :
       {std::pair{0.0, 1000.0}, {203, 1000}, {1000, 1000}, {1002, 2000}, {3000, 4000}, {4002, 10000}, {10000, 10000}}) {
    const HdrMetadata metadata = metadata_of(nits);
    ASSERT_TRUE(metadata.mastering_display && metadata.content_light);
    EXPECT_EQ(metadata.mastering_display->max_nits, peak) << nits;
    EXPECT_EQ(metadata.content_light->max_content_nits, nits == 0 ? 1 : nits);
    EXPECT_EQ(metadata.content_light->max_frame_average_nits, nits == 0 ? 1 : nits);
  }
}

TEST(MeasuredMetadata, WhatIsGivenStands) {
  HdrMetadata given;
  given.content_light = {77, 7};
  EXPECT_EQ(metadata_of(1500, given).content_light->max_content_nits, 77);
  EXPECT_EQ(metadata_of(1500, given).mastering_display->max_nits, 2000);
  given = {};
  given.mastering_display = mastering_display(ColorPrimaries::display_p3, 600);
  EXPECT_EQ(metadata_of(1500, given).mastering_display->max_nits, 600);
  EXPECT_EQ(metadata_of(1500, given).content_light->max_content_nits, 1500);
}

}  // namespace
}  // namespace framelift
