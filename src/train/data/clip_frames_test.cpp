#include "train/data/clip_frames.h"

#include <algorithm>

#include "decode/media_test_support.h"

namespace framelift {
namespace {

using ClipFramesTest = test::MediaTest;

// A clip whose frame n is grey of code 16 + 4 n.
constexpr const char* ramp_clip =
    "-f lavfi -i color=s=32x16:r=10:d=2,format=yuv420p,geq=lum='16+4*N':cb=128:cr=128 -c:v ffv1 ramp.mkv";

std::vector<int> codes(const ClipFrames& clip) {
  std::vector<int> found;
  for (const Frame& frame : clip.frames) found.push_back(static_cast<int>(frame.planes[0].data[0]));
  return found;
}

TEST_F(ClipFramesTest, AreSpreadOverThePart) {
  ffmpeg(ramp_clip);
  const auto spread = read_clip_frames(path("ramp.mkv"), {4, 0, 1, false});
  ASSERT_TRUE(spread) << spread.error().message;
  EXPECT_EQ(codes(*spread), (std::vector<int>{16 + 4 * 2, 16 + 4 * 7, 16 + 4 * 12, 16 + 4 * 17}));
  EXPECT_EQ(spread->name(1), "ramp.mkv at 0.70 s");
  const auto half = read_clip_frames(path("ramp.mkv"), {2, 0.5, 1, true});
  ASSERT_TRUE(half) << half.error().message;
  EXPECT_EQ(codes(*half), (std::vector<int>{16 + 4 * 10, 16 + 4 * 11}));
}

TEST_F(ClipFramesTest, AreADatasetWithoutTargets) {
  ffmpeg(ramp_clip);
  ffmpeg("-f lavfi -i color=s=24x20:c=white -frames:v 1 white.png");
  const auto data = ClipDataset::open({path("ramp.mkv"), path("white.png")}, 4, std::nullopt);
  ASSERT_TRUE(data) << data.error().message;
  ASSERT_EQ((*data)->size(), 3U);  // two of the clip, and the picture
  const auto grey = (*data)->load(0), white = (*data)->load(2);
  ASSERT_TRUE(grey && white);
  EXPECT_EQ(grey->name, (*data)->name(0));
  EXPECT_NE((*data)->name(0), (*data)->name(1));
  EXPECT_EQ(grey->input.shape(), (Shape{1, 3, 16, 32}));
  EXPECT_NEAR(grey->input.f32()[0], 4.0 * 5 / 219, 1e-6);  // frame 5 of 20, limited range
  EXPECT_TRUE(grey->target.empty());
  EXPECT_EQ(white->input.shape(), (Shape{1, 3, 20, 24}));
  EXPECT_EQ(white->input.f32()[0], 1);
}

TEST_F(ClipFramesTest, SaysWhatCannotBeRead) {
  const auto none = ClipDataset::open({path("none.mkv")}, 4, std::nullopt);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("none.mkv"), std::string::npos);
}

}  // namespace
}  // namespace framelift
