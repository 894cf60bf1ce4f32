// Strips of frames before and after, compared with what the ffmpeg program decodes.
#include "pipeline/preview.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "decode/media_test_support.h"
#include "tests/pipeline/job_for_test.h"
#include "tests/support.h"

namespace framelift {
namespace {

class Preview : public test::MediaTest {
 protected:
  // 2 s of a moving picture; 4:4:4, so that the two conversions to RGB have no chroma filter to disagree about.
  std::string clip() const {
    ffmpeg(
        "-f lavfi -i testsrc2=s=64x48:r=10:d=2 -vf scale=out_color_matrix=bt709 -c:v ffv1 -pix_fmt yuv444p "
        "-colorspace bt709 -color_primaries bt709 -color_trc bt709 clip.mkv");
    return path("clip.mkv");
  }
};

TEST_F(Preview, ShowsTheChosenFramesBeforeAndAfter) {
  const Network network = identity_network();
  const std::string source = clip();
  const double seconds[] = {0, 0.5, 1.9};
  const Status written = write_preview(exact_job(network, source), seconds, path("strip.png"), false);
  ASSERT_TRUE(written) << written.error().message;
  const auto strip = test::rgb24_of(path("strip.png"));
  constexpr size_t width = 64, height = 48;
  ASSERT_EQ(strip.size(), 3 * 2 * width * 3 * height);
  for (size_t row = 0; row < 3; ++row) {
    const auto frame = test::rgb24_of(source, std::vector<int64_t>{0, 5, 19}[row]);
    ASSERT_EQ(frame.size(), 3 * width * height);
    for (size_t side = 0; side < 2; ++side)
      for (size_t y = 0; y < height; ++y)
        for (size_t x = 0; x < 3 * width; ++x)
          // One code: both round, ffmpeg in fixed point.
          ASSERT_LE(std::abs(strip[((row * height + y) * 2 + side) * 3 * width + x] - frame[y * 3 * width + x]), 1)
              << "row " << row << ", side " << side << ", " << x / 3 << " " << y;
  }
}

// Where the network enlarges, the source is enlarged beside it.
TEST_F(Preview, BothSidesHaveTheOutputsSize) {
  auto network = load_network("tests/golden/srvgg_x2.weights.safetensors");
  ASSERT_TRUE(network);
  const double seconds[] = {1};
  const Status written = write_preview(exact_job(*network, clip()), seconds, path("strip.png"), false);
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(test::rgb24_of(path("strip.png")).size(), 3u * 256 * 96);
}

TEST_F(Preview, RefusesToOverwriteAndLeavesNothingHalf) {
  const Network network = identity_network();
  const VideoJob j = exact_job(network, clip());
  const double seconds[] = {0};
  test::run("echo mine > '" + path("strip.png") + "'");
  EXPECT_EQ(write_preview(j, seconds, path("strip.png"), false).error().code, ErrorCode::already_exists);
  EXPECT_EQ(test::run("cat '" + path("strip.png") + "'"), "mine\n");
  EXPECT_TRUE(write_preview(j, seconds, path("strip.png"), true));
  EXPECT_EQ(write_preview(j, seconds, j.source.path, true).error().code, ErrorCode::invalid_argument);  // the input
  const double beyond[] = {0, 100};
  EXPECT_FALSE(write_preview(j, beyond, path("other.png"), false));
  EXPECT_EQ(test::run("ls '" + folder_.string() + "'"), "clip.mkv\nstrip.png\n");
}

TEST_F(Preview, Times) {
  VideoInfo video;
  video.duration_seconds = 10;
  video.frame_rate = {25, 1};
  const auto times = parse_preview_times("0,2.5,50%,100%", video, "clip.mkv");
  ASSERT_TRUE(times) << times.error().message;
  ASSERT_EQ(times->size(), 4u);
  EXPECT_EQ((*times)[0], 0);
  EXPECT_EQ((*times)[1], 2.5);
  EXPECT_EQ((*times)[2], 5);
  EXPECT_GE((*times)[3], 10 - 2.0 / 25);  // in the last frame's time, or the one before
  EXPECT_LT((*times)[3], 10);
  for (const char* bad : {"", "x", "5x", "-1", "101%", "nan", "11", "1,,2"})
    EXPECT_EQ(parse_preview_times(bad, video, "clip.mkv").error().code, ErrorCode::invalid_argument) << bad;
  video.duration_seconds = 0;
  EXPECT_TRUE(parse_preview_times("3", video, "pipe"));
  EXPECT_FALSE(parse_preview_times("3%", video, "pipe"));
}

}  // namespace
}  // namespace framelift
