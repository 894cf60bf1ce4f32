#include "metrics/compare_videos.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace framelift {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

CompareJob patterns(const char* a, const char* b) {
  CompareJob job;
  job.a.path = a;
  job.b.path = b;
  return job;
}

TEST(CompareVideos, EqualVideos) {
  CompareJob job = patterns("test:64x48:20", "test:64x48:20");
  int64_t called = 0;
  job.on_frame = [&](int64_t frames, int64_t total) {
    EXPECT_EQ(frames, ++called);
    EXPECT_EQ(total, 20);
  };
  const auto result = compare_videos(job);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(called, 20);
  EXPECT_EQ(result->frames, 20);
  ASSERT_EQ(result->quality.size(), 20u);
  for (const FrameQuality& frame : result->quality) {
    EXPECT_EQ(frame.values[0], infinite);
    EXPECT_EQ(frame.values[1], infinite);
    EXPECT_EQ(frame.values[2], 1);
    EXPECT_TRUE(std::isnan(frame.values[3]));  // for HDR only
  }
  EXPECT_FALSE(result->a_is_longer || result->b_is_longer);
}

// Ten bits of the pattern are eight bits times four, exactly the same signal in limited range.
TEST(CompareVideos, DepthsAreTheSameSignal) {
  const auto result = compare_videos(patterns("test:64x48:2:yuv444p", "test:64x48:2:yuv444p10"));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GT(result->quality[0].values[0], 120);  // float rounding: 2^-24 is -144 dB
}

TEST(CompareVideos, TakesWhatBothHave) {
  const auto longer_a = compare_videos(patterns("test:64x48:7", "test:64x48:5"));
  ASSERT_TRUE(longer_a);
  EXPECT_EQ(longer_a->frames, 5);
  EXPECT_TRUE(longer_a->a_is_longer);
  const auto longer_b = compare_videos(patterns("test:64x48:5", "test:64x48:7"));
  ASSERT_TRUE(longer_b);
  EXPECT_EQ(longer_b->frames, 5);
  EXPECT_TRUE(longer_b->b_is_longer);
}

TEST(CompareVideos, OfAnotherSizeOnlyFlicker) {
  CompareJob job = patterns("test:64x48:20", "test:128x96:20");
  const auto refused = compare_videos(job);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(refused.error().message.find("128x96"), std::string::npos);
  job.flicker = true;
  const auto result = compare_videos(job);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->quality.empty());
  EXPECT_EQ(result->frames, 20);
}

TEST(CompareVideos, TinyPicturesHaveNoSsim) {
  const auto result = compare_videos(patterns("test:10x48:2", "test:10x48:2"));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(std::isnan(result->quality[0].values[2]));
  EXPECT_EQ(result->quality[0].values[1], infinite);
}

TEST(CompareVideos, StopsWhenCancelled) {
  CompareJob job = patterns("test:64x48:1000", "test:64x48:1000");
  Cancellation cancel;
  job.cancel = &cancel;
  job.on_frame = [&](int64_t frames, int64_t) {
    if (frames == 3) cancel.request();
  };
  const auto result = compare_videos(job);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::cancelled);
}

TEST(Summary, OfDecibelsIsThatOfTheErrors) {
  std::vector<FrameQuality> frames(3);
  frames[0].values = {20, infinite, 0.5, 3, 0};
  frames[1].values = {30, infinite, 0.25, 1, 0};
  frames[2].values = {infinite, infinite, 0.75, 8, 0};
  const QualitySummary psnr = summarise(frames, 0);
  EXPECT_NEAR(psnr.mean, -10 * std::log10((0.01 + 0.001) / 3), 1e-12);
  EXPECT_EQ(psnr.worst, 20);
  EXPECT_EQ(psnr.worst_frame, 0u);
  EXPECT_EQ(summarise(frames, 1).mean, infinite);
  EXPECT_EQ(summarise(frames, 2).mean, 0.5);
  EXPECT_EQ(summarise(frames, 2).worst_frame, 1u);
  EXPECT_EQ(summarise(frames, 3).worst, 8);  // the larger, the worse
  EXPECT_EQ(summarise(frames, 3).worst_frame, 2u);
}

}  // namespace
}  // namespace framelift
