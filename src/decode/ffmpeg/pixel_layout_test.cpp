#include "decode/ffmpeg/pixel_layout.h"

#include "decode/media_test_support.h"

namespace framelift {
namespace {

using namespace test;

using PixelLayouts = MediaTest;

TEST_F(PixelLayouts, EveryFormatOfOursIsNativeToFfmpeg) {
  for (const char* name : {"yuv420p", "yuv422p", "yuv444p", "yuv440p", "yuv420p10le", "yuv422p12le", "yuv444p16le",
                           "yuva420p", "yuva444p10le", "gbrp", "gbrp10le", "gbrap16le", "gray", "gray10le", "gray16le",
                           "grayf32le", "gbrpf32le", "gbrapf32le"}) {
    const AVPixelFormat av = av_get_pix_fmt(name);
    const auto layout = pixel_layout(av);
    ASSERT_TRUE(layout && layout->native) << name;
    EXPECT_EQ(av_pixel_format(layout->format), av) << name;
  }
  EXPECT_FALSE(pixel_layout(AV_PIX_FMT_VAAPI));
  EXPECT_FALSE(pixel_layout(AV_PIX_FMT_GBRPF32BE));
}

// FFmpeg rearranges a planar picture into another layout; splitting it has to give the planar samples back.
class Splitting : public MediaTest, public testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(Splitting, GivesThePlanarSamples) {
  const auto [planar, packed] = GetParam();
  const int width = 46, height = 38;
  ffmpeg(fmt::format("-f lavfi -i testsrc2=s={}x{}:r=25 -frames:v 2 -pix_fmt {} -f rawvideo planar.raw", width, height,
                     planar));
  ffmpeg(
      fmt::format("-f rawvideo -s {0}x{1} -pix_fmt {2} -i planar.raw -sws_flags accurate_rnd+bitexact -pix_fmt {3} "
                  "-f rawvideo packed.raw",
                  width, height, planar, packed));
  SourceOptions options;
  options.format = "rawvideo";
  options.raw_width = width;
  options.raw_height = height;
  options.raw_pixel_format = planar;
  options.path = path("planar.raw");
  const Decoded expected = decode_all(options);
  ASSERT_EQ(expected.error, "");
  options.raw_pixel_format = packed;
  options.path = path("packed.raw");
  const Decoded split = decode_all(options);
  ASSERT_EQ(split.error, "");
  EXPECT_EQ(split.info.format, expected.info.format);
  ASSERT_EQ(split.pictures.size(), 2u);
  EXPECT_TRUE(split.pictures == expected.pictures);
}

INSTANTIATE_TEST_SUITE_P(
    Formats, Splitting,
    testing::Values(std::pair("gbrp", "rgb24"), std::pair("gbrp", "bgr24"), std::pair("gbrp", "bgr0"),
                    std::pair("gbrap", "rgba"), std::pair("gbrap", "argb"), std::pair("gbrp16le", "rgb48le"),
                    std::pair("gbrp16le", "rgb48be"), std::pair("gbrap16le", "rgba64be"), std::pair("yuv420p", "nv12"),
                    std::pair("yuv420p", "nv21"), std::pair("yuv420p10le", "p010le"),
                    std::pair("yuv420p16le", "p016le"), std::pair("yuv422p", "yuyv422"),
                    std::pair("yuv422p", "uyvy422"), std::pair("yuv420p10le", "yuv420p10be"),
                    std::pair("gray16le", "gray16be"), std::pair("gray10le", "gray10be")),
    [](const auto& test) { return fmt::format("{}_from_{}", test.param.first, test.param.second); });

TEST_F(PixelLayouts, GreyWithAlphaIsSplit) {
  std::string bytes;
  for (int i = 0; i < 6 * 4; ++i) {
    bytes += static_cast<char>(i);
    bytes += static_cast<char>(200 - i);
  }
  std::ofstream(path("ya8.raw"), std::ios::binary) << bytes;
  SourceOptions options;
  options.path = path("ya8.raw");
  options.format = "rawvideo";
  options.raw_width = 6;
  options.raw_height = 4;
  options.raw_pixel_format = "ya8";
  const Decoded decoded = decode_all(options);
  ASSERT_EQ(decoded.pictures.size(), 1u) << decoded.error;
  EXPECT_EQ(decoded.info.format.family, ColorFamily::gray);
  EXPECT_TRUE(decoded.info.format.alpha);
  for (int i = 0; i < 24; ++i) {
    EXPECT_EQ(decoded.pictures[0][static_cast<size_t>(i)], static_cast<char>(i));
    EXPECT_EQ(decoded.pictures[0][static_cast<size_t>(24 + i)], static_cast<char>(200 - i));
  }
}

TEST_F(PixelLayouts, PaletteBecomesRgb) {
  ffmpeg("-f lavfi -i testsrc2=s=40x30:r=25 -frames:v 1 -pix_fmt pal8 palette.png");
  ffmpeg("-i palette.png -f rawvideo -pix_fmt rgb24 expected.raw");
  const Decoded decoded = decode_all(path("palette.png"));
  ASSERT_EQ(decoded.pictures.size(), 1u) << decoded.error;
  EXPECT_EQ(decoded.info.format.family, ColorFamily::rgb);
  const std::string packed = read_file(path("expected.raw"));
  const size_t plane = 40 * 30;
  std::string planar(packed.size(), 0);
  for (size_t i = 0; i < packed.size(); ++i) planar[i % 3 * plane + i / 3] = packed[i];
  EXPECT_TRUE(decoded.pictures[0] == planar);
}

TEST_F(PixelLayouts, MonochromeAndQuarterChromaAreWidened) {
  ffmpeg("-f lavfi -i testsrc2=s=48x32:r=25 -frames:v 1 -pix_fmt monow -c:v rawvideo mono.nut");
  const Decoded mono = decode_all(path("mono.nut"));
  ASSERT_EQ(mono.pictures.size(), 1u) << mono.error;
  EXPECT_EQ(mono.info.format.family, ColorFamily::gray);
  for (char c : mono.pictures[0]) ASSERT_TRUE(c == 0 || c == static_cast<char>(255));
  ffmpeg("-f lavfi -i testsrc2=s=48x32:r=25 -frames:v 1 -pix_fmt yuv411p -c:v rawvideo quarter.nut");
  const Decoded quarter = decode_all(path("quarter.nut"));
  ASSERT_EQ(quarter.pictures.size(), 1u) << quarter.error;
  EXPECT_EQ(to_string(quarter.info.format), "yuv444p");
}

TEST_F(PixelLayouts, JpegIsFullRange) {
  ffmpeg("-f lavfi -i testsrc2=s=48x32:r=25 -frames:v 1 full.jpg");
  const Decoded decoded = decode_all(path("full.jpg"));
  EXPECT_EQ(decoded.info.color.range, ColorRange::full);
  EXPECT_EQ(decoded.info.color.matrix, MatrixCoefficients::bt470bg);
  EXPECT_TRUE(decoded.info.still);
}

}  // namespace
}  // namespace framelift
