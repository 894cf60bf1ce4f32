#include "postprocess/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "preprocess/pixel_test_support.h"

namespace framelift {
namespace {

constexpr ColorInfo bt709{MatrixCoefficients::bt709, TransferCharacteristic::bt709, ColorPrimaries::bt709,
                          ColorRange::limited, ChromaLocation::left};

// Horizontal ramp over the picture's width in every plane, whatever the plane's subsampling: code = 40 + 160 u for
// u = 0..1 across the picture.
void fill_ramp(const Frame& frame, ChromaLocation location) {
  for (int p = 0; p < frame.format.plane_count(); ++p) {
    const bool subsampled = frame.format.is_chroma(p) && frame.format.chroma_shift_x;
    for (int y = 0; y < frame.planes[p].height; ++y)
      for (int x = 0; x < frame.planes[p].width; ++x) {
        const double column = !subsampled ? x + 0.5 : location == ChromaLocation::center ? 2 * x + 1.0 : 2 * x + 0.5;
        set_code(frame, p, x, y, static_cast<int>(std::lround(40 + 160 * column / frame.width)));
      }
  }
}

// Largest deviation from the ramp, away from the borders.
int ramp_error(const Frame& frame, ChromaLocation location) {
  const Frame ideal = make_frame(frame.format, frame.width, frame.height);
  fill_ramp(ideal, location);
  int worst = 0;
  for (int p = 0; p < frame.format.plane_count(); ++p) {
    const int margin = std::max(frame.planes[p].width / 8, 4);
    for (int y = 0; y < frame.planes[p].height; ++y)
      for (int x = margin; x < frame.planes[p].width - margin; ++x)
        worst = std::max(worst, std::abs(code_at(frame, p, x, y) - code_at(ideal, p, x, y)));
  }
  return worst;
}

TEST(Resizer, KeepsPositionsForOddSizesAndEverySiting) {
  for (ChromaLocation location : {ChromaLocation::left, ChromaLocation::center, ChromaLocation::top_left})
    for (const auto& [shift_x, shift_y] : {std::pair{1, 1}, {1, 0}, {0, 0}})
      for (const auto& [width, height, new_width, new_height] :
           {std::array{64, 48, 128, 96}, std::array{63, 47, 101, 75}, std::array{64, 48, 97, 33},
            std::array{161, 91, 80, 45}, std::array{161, 91, 79, 45}}) {
        ColorInfo color = bt709;
        color.chroma_location = location;
        const PixelFormat format{ColorFamily::yuv, 8, static_cast<uint8_t>(shift_x), static_cast<uint8_t>(shift_y),
                                 true};
        auto resizer = Resizer::create({format, width, height, color}, {format, new_width, new_height, color}, false);
        ASSERT_TRUE(resizer.has_value()) << resizer.error().message;
        const Frame src = make_frame(format, width, height, true);
        fill_ramp(src, location);
        FramePool pool(new_width, new_height, format, 1);
        Frame dst = pool.acquire().value();
        const Status status = resizer->run(src, dst);
        ASSERT_TRUE(status.has_value()) << status.error().message;
        EXPECT_LE(ramp_error(dst, location), 1)
            << to_string(format) << " location " << static_cast<int>(location) << ", " << width << "x" << height
            << " to " << new_width << "x" << new_height;
      }
}

TEST(Resizer, AlignedAndUnalignedSourcesAgree) {
  std::mt19937 random(1);
  const PixelFormat format{ColorFamily::yuv, 10, 1, 1, false};
  const Frame unaligned = make_frame(format, 100, 60);
  fill_random(unaligned, random);
  FramePool source_pool(100, 60, format, 1), pool(150, 90, format, 2);
  Frame aligned = source_pool.acquire().value();
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < aligned.planes[p].height; ++y)
      for (int x = 0; x < aligned.planes[p].width; ++x) set_code(aligned, p, x, y, code_at(unaligned, p, x, y));
  auto resizer = Resizer::create({format, 100, 60, bt709}, {format, 150, 90, bt709}, false).value();
  Frame first = pool.acquire().value(), second = pool.acquire().value();
  ASSERT_TRUE(resizer.run(unaligned, first).has_value());
  ASSERT_TRUE(resizer.run(aligned, second).has_value());
  EXPECT_EQ(difference(first, second), "");
}

TEST(Resizer, ConvertsDepthRangeAndMatrix) {
  const PixelFormat from{ColorFamily::yuv, 8, 1, 1, false}, to{ColorFamily::yuv, 10, 0, 0, true};
  ColorInfo full = bt709;
  full.range = ColorRange::full;
  auto resizer = Resizer::create({from, 32, 32, bt709}, {to, 48, 48, full}, false).value();
  const Frame src = make_frame(from, 32, 32);
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < src.planes[p].height; ++y)
      for (int x = 0; x < src.planes[p].width; ++x) set_code(src, p, x, y, p == 0 ? 235 : 128);
  FramePool pool(48, 48, to, 1);
  Frame dst = pool.acquire().value();
  ASSERT_TRUE(resizer.run(src, dst).has_value());
  EXPECT_EQ(code_at(dst, 0, 20, 20), 1023);
  EXPECT_EQ(code_at(dst, 1, 20, 20), 512);
  EXPECT_EQ(code_at(dst, 3, 20, 20), 1023) << "opaque where the source has no alpha";
}

// One sample of a picture resized by its definition: a triangle, in the source as wide as the smaller picture's pixels.
double triangle_sample(const Frame& src, int size_x, int size_y, int x, int y) {
  const auto weights = [](int size, int to, int at) {
    const double step = static_cast<double>(size) / to, reach = std::max(step, 1.0), center = (at + 0.5) * step;
    std::vector<double> found(static_cast<size_t>(size));
    double sum = 0;
    for (int k = static_cast<int>(std::floor(center - reach)); k <= static_cast<int>(std::ceil(center + reach)); ++k) {
      const double weight = std::max(1 - std::abs(k + 0.5 - center) / reach, 0.0);
      const int inside = k < 0 ? -k - 1 : k >= size ? 2 * size - k - 1 : k;  // reflected at the borders
      found[static_cast<size_t>(std::clamp(inside, 0, size - 1))] += weight;
      sum += weight;
    }
    for (double& weight : found) weight /= sum;
    return found;
  };
  const std::vector<double> across = weights(src.width, size_x, x), down = weights(src.height, size_y, y);
  double value = 0;
  for (int v = 0; v < src.height; ++v)
    for (int u = 0; u < src.width; ++u)
      value += down[static_cast<size_t>(v)] * across[static_cast<size_t>(u)] * src.planes[0].row<float>(v)[u];
  return value;
}

TEST(Resizer, BilinearIsATriangleOverTheSourcesPixels) {
  const PixelFormat gray{ColorFamily::gray, 32, 0, 0, false};
  const Frame src = make_frame(gray, 61, 33);
  for (int y = 0; y < src.height; ++y)
    for (int x = 0; x < src.width; ++x)
      src.planes[0].row<float>(y)[x] = static_cast<float>((x * 37 + y * 61 + x * y) % 101) / 100;
  for (const auto& [width, height] : {std::pair{24, 14}, {97, 50}, {61, 10}}) {
    auto resizer =
        Resizer::create({gray, 61, 33, bt709}, {gray, width, height, bt709}, false, ResizeFilter::bilinear).value();
    Frame dst = FramePool(width, height, gray, 1).acquire().value();
    ASSERT_TRUE(resizer.run(src, dst).has_value());
    double worst = 0;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        worst = std::max(worst, std::abs(dst.planes[0].row<float>(y)[x] - triangle_sample(src, width, height, x, y)));
    EXPECT_LT(worst, 1e-5) << width << "x" << height << "; float rounding of up to 40 weights";
  }
}

TEST(Resizer, HandlesRgbGrayAndSinglePixels) {
  std::mt19937 random(2);
  for (ColorFamily family : {ColorFamily::rgb, ColorFamily::gray, ColorFamily::yuv})
    for (const auto& [width, height] : {std::pair{1, 1}, {2, 3}, {17, 5}}) {
      const PixelFormat format{family, 12, static_cast<uint8_t>(family == ColorFamily::yuv),
                               static_cast<uint8_t>(family == ColorFamily::yuv), true};
      auto resizer = Resizer::create({format, width, height, bt709}, {format, 9, 7, bt709}, false);
      ASSERT_TRUE(resizer.has_value()) << to_string(format) << ": " << resizer.error().message;
      const Frame src = make_frame(format, width, height);
      fill_random(src, random);
      FramePool pool(9, 7, format, 1);
      Frame dst = pool.acquire().value();
      EXPECT_TRUE(resizer->run(src, dst).has_value());
      for (int p = 0; p < format.plane_count(); ++p)
        for (int y = 0; y < dst.planes[p].height; ++y)
          for (int x = 0; x < dst.planes[p].width; ++x) ASSERT_LE(code_at(dst, p, x, y), 4095);
    }
}

TEST(Resizer, RefusesWrongInput) {
  const PixelFormat format{};
  EXPECT_EQ(Resizer::create({format, 0, 10, bt709}, {format, 10, 10, bt709}, false).error().code,
            ErrorCode::invalid_argument);
  auto resizer = Resizer::create({format, 10, 10, bt709}, {format, 20, 20, bt709}, false).value();
  const Frame src = make_frame(format, 12, 10);
  FramePool pool(20, 20, format, 1);
  Frame dst = pool.acquire().value();
  EXPECT_EQ(resizer.run(src, dst).error().code, ErrorCode::invalid_argument);
  const Frame right = make_frame(format, 10, 10);
  Frame unaligned = make_frame(format, 20, 20);
  EXPECT_EQ(resizer.run(right, unaligned).error().code, ErrorCode::invalid_argument);
}

TEST(PlaneResizer, ScalesAlphaAndItsDepth) {
  const PixelFormat from{ColorFamily::gray, 8, 0, 0, false}, to{ColorFamily::gray, 10, 0, 0, false};
  const Frame src = make_frame(from, 15, 9), dst = make_frame(to, 60, 36);
  for (int y = 0; y < 9; ++y)
    for (int x = 0; x < 15; ++x) set_code(src, 0, x, y, x < 7 ? 0 : 255);
  auto resizer = PlaneResizer::create(15, 9, 8, 60, 36, 10).value();
  ASSERT_TRUE(resizer.run(src.planes[0], dst.planes[0]).has_value());
  EXPECT_EQ(code_at(dst, 0, 4, 10), 0);
  EXPECT_EQ(code_at(dst, 0, 55, 30), 1023);
  EXPECT_EQ(resizer.run(dst.planes[0], src.planes[0]).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace framelift
