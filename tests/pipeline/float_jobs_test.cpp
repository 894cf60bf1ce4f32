// Whole jobs on floating-point pictures, and tone-mapped previews of them.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <random>

#include "color/transfer.h"
#include "decode/source.h"
#include "encode/sink.h"
#include "pipeline/pictures/tone_map_pictures.h"
#include "pipeline/video_job.h"
#include "tests/pipeline/job_for_test.h"
#include "tests/support.h"
#include "weights/files_for_test.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

constexpr PixelFormat rgb{ColorFamily::rgb, 32, 0, 0, false}, rgba{ColorFamily::rgb, 32, 0, 0, true},
    gray{ColorFamily::gray, 32, 0, 0, false}, bytes{ColorFamily::rgb, 8, 0, 0, false};

class FloatJobs : public testing::Test {
 protected:
  std::string path(const char* name) const { return (folder_ / name).string(); }

  test::TempFolder folder_;
};

// Light from far below to far beyond white.
Frame random_light(PixelFormat format, int width, int height) {
  Frame frame = FramePool(width, height, format, 1).acquire().value();
  std::mt19937 random(5);
  std::uniform_real_distribution<float> exponent(-10, 20);
  for (int p = 0; p < format.plane_count(); ++p)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        frame.planes[static_cast<size_t>(p)].row<float>(y)[x] = std::exp2(exponent(random));
  return frame;
}

void write_picture_of(const std::string& path, Frame frame, PictureAttributes attributes = {}) {
  SinkOptions options;
  options.path = path;
  options.width = frame.width;
  options.height = frame.height;
  options.source_format = frame.format;
  options.attributes = std::move(attributes);
  options.color = {MatrixCoefficients::rgb, TransferCharacteristic::linear, ColorPrimaries::bt709, ColorRange::full,
                   ChromaLocation::left};
  if (frame.format.is_float()) options.encoder_options = {{"type", "float"}};
  if (!frame.format.is_float()) options.color.transfer = TransferCharacteristic::srgb;
  auto sink = open_sink(options);
  ASSERT_TRUE(sink) << sink.error().message;
  frame.pts = 0;
  ASSERT_TRUE((*sink)->write(std::move(frame)));
  ASSERT_TRUE((*sink)->finish());
}

struct Picture {
  VideoInfo info;
  Frame frame;
};
Picture read_picture(const std::string& path) {
  SourceOptions options;
  options.path = path;
  auto source = open_source(options);
  EXPECT_TRUE(source) << source.error().message;
  if (!source) return {};
  return {(*source)->info(), (*source)->next().value()};
}

float value(const Frame& frame, int p, int x, int y) { return frame.planes[static_cast<size_t>(p)].row<float>(y)[x]; }
int code(const Frame& frame, int p, int x, int y) { return frame.planes[static_cast<size_t>(p)].row<uint8_t>(y)[x]; }

TEST_F(FloatJobs, IdentityNetworkLeavesEveryBitAlone) {
  const Network network = identity_network();
  for (const PixelFormat& format : {rgb, rgba, gray})
    for (int tile : {0, 40}) {
      SCOPED_TRACE(to_string(format) + " tile " + std::to_string(tile));
      fs::remove_all(folder_.path());
      fs::create_directories(folder_.path());
      const Frame light = random_light(format, 101, 67);
      PictureAttributes attributes;
      attributes.white_nits = 100;
      attributes.texts = {{"owner", "nobody"}};
      write_picture_of(path("in.exr"), random_light(format, 101, 67), attributes);
      VideoJob j = exact_job(network, path("in.exr"), path("out.exr"));
      j.tile = tile;
      j.sink.encoder_options = {{"type", "float"}};
      const auto report = process_video(j);
      ASSERT_TRUE(report) << report.error().message;
      const Picture out = read_picture(path("out.exr"));
      ASSERT_EQ(to_string(out.frame.format), to_string(format));
      for (int p = 0; p < format.plane_count(); ++p)
        for (int y = 0; y < 67; ++y)
          for (int x = 0; x < 101; ++x)
            ASSERT_EQ(std::bit_cast<uint32_t>(value(out.frame, p, x, y)),
                      std::bit_cast<uint32_t>(value(light, p, x, y)))
                << p << " " << x << " " << y;
      EXPECT_EQ(out.info.attributes.white_nits, 100);
      EXPECT_EQ(out.info.attributes.texts, attributes.texts);
    }
}

TEST_F(FloatJobs, ResizingKeepsWhatIsBeyondWhite) {
  const Network network = identity_network();
  Frame flat = random_light(rgba, 40, 30);
  for (int p = 0; p < 4; ++p)
    for (int y = 0; y < 30; ++y)
      std::fill_n(flat.planes[static_cast<size_t>(p)].row<float>(y), 40, p == 3 ? 0.5f : 300.0f);
  write_picture_of(path("in.exr"), std::move(flat));
  VideoJob j = exact_job(network, path("in.exr"), path("out.exr"));
  j.max_input_width = 30;
  j.scale = 2;
  ASSERT_TRUE(process_video(j));
  const Frame out = read_picture(path("out.exr")).frame;
  ASSERT_EQ(out.width, 80);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < 80; ++x) {
      ASSERT_NEAR(value(out, 0, x, y), 300, 0.25);  // a step of halves
      ASSERT_NEAR(value(out, 3, x, y), 0.5, 0.0005);
    }
}

// sRGB codes become light and come back; each is right to the rounding of its own file.
TEST_F(FloatJobs, CodesBecomeLightAndComeBack) {
  const Network network = identity_network();
  Frame picture = FramePool(256, 3, bytes, 1).acquire().value();
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 256; ++x)
        picture.planes[static_cast<size_t>(p)].row<uint8_t>(y)[x] = static_cast<uint8_t>(p == 1 ? 255 - x : x);
  write_picture_of(path("in.png"), std::move(picture));
  VideoJob j = exact_job(network, path("in.png"), path("light.exr"));
  j.sink.encoder_options = {{"type", "float"}};
  auto report = process_video(j);
  ASSERT_TRUE(report) << report.error().message;
  const Frame light = read_picture(path("light.exr")).frame;
  for (int x = 0; x < 256; ++x) {
    const double expected = srgb_eotf(x / 255.0);
    ASSERT_NEAR(value(light, 0, x, 1), expected, 2e-6 * std::max(expected, 0.1)) << x;
  }
  report = process_video(exact_job(network, path("light.exr"), path("out.png")));
  ASSERT_TRUE(report) << report.error().message;
  const Picture out = read_picture(path("out.png"));
  ASSERT_EQ(out.info.format.bits, 16);
  for (int x = 0; x < 256; ++x)
    ASSERT_NEAR(out.frame.planes[0].row<uint16_t>(1)[x], x * 257, 2) << x;  // float32 and two curves
}

// Straight alpha of a PNG is multiplied in once, and stays as it is from then on.
TEST_F(FloatJobs, AlphaIsMultipliedOnce) {
  const Network network = identity_network();
  Frame picture = FramePool(8, 4, {ColorFamily::rgb, 8, 0, 0, true}, 1).acquire().value();
  for (int p = 0; p < 4; ++p)
    for (int y = 0; y < 4; ++y)
      std::fill_n(picture.planes[static_cast<size_t>(p)].row<uint8_t>(y), 8, p == 3 ? 51 : 255);
  write_picture_of(path("in.png"), std::move(picture));
  ASSERT_TRUE(process_video(exact_job(network, path("in.png"), path("a.exr"))));
  ASSERT_TRUE(process_video(exact_job(network, path("a.exr"), path("b.exr"))));
  for (const char* name : {"a.exr", "b.exr"}) {
    const Frame out = read_picture(path(name)).frame;
    EXPECT_NEAR(value(out, 0, 3, 2), 0.2, 0.0002) << name;
    EXPECT_NEAR(value(out, 3, 3, 2), 0.2, 0.0002) << name;
  }
  ASSERT_TRUE(process_video(exact_job(network, path("a.exr"), path("over_black.png"))));
  EXPECT_EQ(to_string(read_picture(path("over_black.png")).info.format), "gbrp16");
}

TEST_F(FloatJobs, PqIsRefusedByOpenExr) {
  const Network network = pq_network();
  const auto report = process_video(exact_job(network, "test:16x16:1", path("out.exr")));
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message.find("linear light"), std::string::npos) << report.error().message;
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(FloatJobs, ChecksumsAreOfTheFloats) {
  const Network network = identity_network();
  ASSERT_TRUE(process_video(exact_job(network, "test:32x24:3:gbrpf32le", "md5:" + path("a.md5"))));
  std::ifstream file(path("a.md5"));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(text.find(std::to_string(32 * 24 * 3 * 4)), std::string::npos) << text;  // bytes a frame
}

TEST_F(FloatJobs, ToneMapMakesScreenPictures) {
  Frame light = random_light(rgb, 64, 4);
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 64; ++x)
        light.planes[static_cast<size_t>(p)].row<float>(y)[x] =
            y == 3 ? (x % 2 ? NAN : INFINITY) : static_cast<float>(x);
  write_picture_of(path("in.exr"), std::move(light));
  ToneMapJob j;
  j.source.path = path("in.exr");
  j.sink.path = path("out.png");
  j.curve = DisplayCurve::log;
  const auto frames = tone_map_pictures(j);
  ASSERT_TRUE(frames) << frames.error().message;
  EXPECT_EQ(*frames, 1);
  const Picture out = read_picture(path("out.png"));
  ASSERT_EQ(to_string(out.info.format), "gbrp");
  for (int x = 0; x < 64; ++x) {
    // Dither moves a code by less than one.
    EXPECT_NEAR(code(out.frame, 1, x, 1), 255 * std::log1p(x) / std::log1p(63), 1.0) << x;
    EXPECT_EQ(code(out.frame, 1, x, 3), 0);
  }
  EXPECT_EQ(tone_map_pictures(j).error().code, ErrorCode::already_exists);
  j.sink.overwrite = true;
  j.exposure_ev = -20;
  j.curve = DisplayCurve::none;
  ASSERT_TRUE(tone_map_pictures(j));
  EXPECT_LE(code(read_picture(path("out.png")).frame, 1, 63, 0), 1);

  j.sink.path = path("out.exr");
  EXPECT_EQ(tone_map_pictures(j).error().code, ErrorCode::invalid_argument);
  j.source.path = path("out.png");
  EXPECT_EQ(tone_map_pictures(j).error().code, ErrorCode::unsupported);
  EXPECT_FALSE(fs::exists(path("out.exr")));
}

}  // namespace
}  // namespace framelift
