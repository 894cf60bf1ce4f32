#include "postprocess/sdr_renderer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "color/tone_map.h"
#include "preprocess/pixel_test_support.h"

namespace framelift {
namespace {

using enum TransferCharacteristic;

ColorInfo yuv(MatrixCoefficients matrix, TransferCharacteristic transfer, ColorPrimaries primaries) {
  return {matrix, transfer, primaries, ColorRange::limited, ChromaLocation::left};
}

Frame rendered(const Frame& picture, const ColorInfo& color, const HdrMetadata& hdr = {}, bool tone_map = true) {
  auto renderer = SdrRenderer::create({picture.format, picture.width, picture.height, color}, hdr, tone_map);
  EXPECT_TRUE(renderer) << renderer.error().message;
  Frame screen = make_frame(SdrRenderer::format, picture.width, picture.height);
  renderer->run(picture, screen);
  return screen;
}

// Each pixel by itself, in double: H.273's equations, then ToneMap's definition. 37 rows: bands, and a rest.
TEST(SdrRenderer, ToneMapsEveryPixelAsDefined) {
  const ColorInfo color = yuv(MatrixCoefficients::bt2020_ncl, pq, ColorPrimaries::bt2020);
  Frame picture = make_frame({ColorFamily::yuv, 10, 0, 0, false}, 29, 37);
  std::mt19937 random(3);
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < 37; ++y)
      for (int x = 0; x < 29; ++x)
        set_code(picture, p, x, y,
                 p ? 512 + static_cast<int>(random() % 80) - 40 : 200 + static_cast<int>(random() % 500));
  HdrMetadata hdr;
  hdr.content_light = ContentLight{600, 0};
  const Frame screen = rendered(picture, color, hdr);
  const auto map = ToneMap::create(pq, ColorPrimaries::bt2020, 600);
  for (int y = 0; y < 37; ++y)
    for (int x = 0; x < 29; ++x) {
      const double luma = (code_at(picture, 0, x, y) - 64) / 876.0, cb = (code_at(picture, 1, x, y) - 512) / 896.0,
                   cr = (code_at(picture, 2, x, y) - 512) / 896.0;
      double rgb[3] = {luma + 1.4746 * cr, 0, luma + 1.8814 * cb};
      rgb[1] = (luma - 0.2627 * rgb[0] - 0.0593 * rgb[2]) / 0.6780;
      map->run(rgb);
      // Rounding and the dither of one code.
      for (int c = 0; c < 3; ++c) EXPECT_NEAR(code_at(screen, c, x, y), 255 * rgb[c], 1.01) << x << " " << y;
    }
}

TEST(SdrRenderer, TakesThePeakFromTheMetadata) {
  HdrMetadata hdr;
  EXPECT_EQ(content_peak_nits(hdr), 1000);
  hdr.mastering_display.emplace();
  hdr.mastering_display->max_nits = 4000;
  EXPECT_EQ(content_peak_nits(hdr), 4000);
  hdr.content_light = ContentLight{0, 0};  // unknown
  EXPECT_EQ(content_peak_nits(hdr), 4000);
  hdr.content_light = ContentLight{580, 100};
  EXPECT_EQ(content_peak_nits(hdr), 580);
  hdr.content_light = ContentLight{50, 10};
  EXPECT_EQ(content_peak_nits(hdr), hdr_reference_white_nits);
}

TEST(SdrRenderer, SdrKeepsItsCodes) {
  Frame picture = make_frame(SdrRenderer::format, 33, 40);
  std::mt19937 random(1);
  fill_random(picture, random);
  for (auto [transfer, primaries] : {std::pair{srgb, ColorPrimaries::bt709}, {smpte170m, ColorPrimaries::smpte170m}}) {
    const Frame screen = rendered(picture, as_rgb(yuv(MatrixCoefficients::bt709, transfer, primaries)));
    for (int p = 0; p < 3; ++p)
      for (int y = 0; y < 40; ++y)
        for (int x = 0; x < 33; ++x) ASSERT_EQ(code_at(screen, p, x, y), code_at(picture, p, x, y));
  }
}

// A colour of BT.709 written in BT.2020 comes back.
TEST(SdrRenderer, WideGamutSdrIsConverted) {
  const double light[3] = {0.5, 0.1, 0.05};
  const Vector3 wide =
      multiply(rgb_to_rgb(ColorPrimaries::bt709, ColorPrimaries::bt2020), Vector3{{light[0], light[1], light[2]}});
  Frame picture = make_frame({ColorFamily::rgb, 16, 0, 0, false}, 1, 1);
  for (int c = 0; c < 3; ++c)
    set_code(picture, c, 0, 0, static_cast<int>(std::lround(65535 * std::pow(wide.v[c], 1 / 2.4))));
  const Frame screen = rendered(picture, as_rgb(yuv(MatrixCoefficients::bt709, bt2020_10, ColorPrimaries::bt2020)));
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(code_at(screen, c, 0, 0), 255 * std::pow(light[c], 1 / 2.4), 1.01);
}

TEST(SdrRenderer, RawShowsTheCodesOfHdr) {
  Frame picture = make_frame({ColorFamily::rgb, 10, 0, 0, false}, 4, 1);
  for (int x = 0; x < 4; ++x)
    for (int c = 0; c < 3; ++c) set_code(picture, c, x, 0, 341 * x);
  const ColorInfo color = as_rgb(yuv(MatrixCoefficients::bt709, hlg, ColorPrimaries::bt2020));
  const Frame raw = rendered(picture, color, {}, false);
  for (int x = 0; x < 4; ++x) EXPECT_EQ(code_at(raw, 1, x, 0), 85 * x);
  EXPECT_GT(code_at(rendered(picture, color), 1, 1, 0), 85 + 5);  // 33% HLG is brighter than 33% SDR
}

}  // namespace
}  // namespace framelift
