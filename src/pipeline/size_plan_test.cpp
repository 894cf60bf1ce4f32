#include "pipeline/size_plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace framelift {
namespace {

VideoInfo source(int width, int height, bool still = false) {
  VideoInfo info;
  info.width = width;
  info.height = height;
  info.still = still;
  return info;
}

VideoJob fixed(int width, int height, Fit fit = Fit::letterbox) {
  VideoJob job;
  job.input_width = width;
  job.input_height = height;
  job.fit = fit;
  return job;
}

struct Size {
  int width, height;
  friend bool operator==(const Size&, const Size&) = default;
};
void PrintTo(const Size& size, std::ostream* out) { *out << size.width << "x" << size.height; }
Size input_of(const SizePlan& p) { return {p.input_width, p.input_height}; }
Size output_of(const SizePlan& p) { return {p.output_width, p.output_height}; }

TEST(SizePlan, WithoutOptionsNothingIsResized) {
  for (auto [width, height] : {std::pair{64, 48}, {33, 21}, {1, 1}}) {
    const SizePlan plan = plan_sizes(VideoJob{}, source(width, height), 4).value();
    EXPECT_EQ(input_of(plan), (Size{width, height}));
    EXPECT_EQ(plan.picture, (Region{0, 0, width, height}));
    EXPECT_EQ(plan.kept, (Region{0, 0, 4 * width, 4 * height}));
    EXPECT_EQ(output_of(plan), (Size{4 * width, 4 * height}));
    EXPECT_FALSE(plan.resize_input || plan.resize || plan.bars_left_right() || plan.bars_above_below());
    EXPECT_EQ(plan.aspect_change, (Rational{1, 1}));
  }
}

TEST(SizePlan, InputLimitsReduceAndNeverEnlarge) {
  VideoJob job;
  job.max_input_width = 640;
  job.max_input_height = 640;
  EXPECT_EQ(input_of(plan_sizes(job, source(1920, 1080), 2).value()), (Size{640, 360}));
  EXPECT_EQ(input_of(plan_sizes(job, source(1080, 1920), 2).value()), (Size{360, 640}));
  EXPECT_EQ(output_of(plan_sizes(job, source(1920, 1080), 2).value()), (Size{1280, 720}));
  EXPECT_EQ(input_of(plan_sizes(job, source(320, 181), 2).value()), (Size{320, 181}));
  EXPECT_FALSE(plan_sizes(job, source(320, 181), 2)->resize_input);
  job.max_input_width = 161;
  EXPECT_EQ(input_of(plan_sizes(job, source(320, 180), 1).value()), (Size{160, 92}));
  EXPECT_EQ(input_of(plan_sizes(job, source(320, 180, true), 1).value()), (Size{161, 91}));
}

TEST(SizePlan, LetterboxWithOddSizes) {
  SizePlan plan = plan_sizes(fixed(201, 333), source(321, 181), 2).value();
  EXPECT_EQ(plan.picture, (Region{0, 108, 201, 114}));  // 201 * 181 / 321 = 113.3
  EXPECT_EQ(plan.kept, (Region{0, 216, 402, 228}));
  EXPECT_EQ(output_of(plan), (Size{402, 228}));
  EXPECT_TRUE(plan.bars_above_below());
  EXPECT_FALSE(plan.bars_left_right());
  plan = plan_sizes(fixed(41, 21), source(33, 21), 1).value();
  EXPECT_EQ(plan.picture, (Region{4, 0, 33, 21}));
  EXPECT_FALSE(plan.resize_input);
}

// What holds for every letterbox: inside, even corner, as large as fits, the source's shape, centred.
TEST(SizePlan, LetterboxProperties) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> edge(8, 700);
  for (int i = 0; i < 2000; ++i) {
    const VideoInfo info = source(edge(random), edge(random), i % 2 == 0);
    const VideoJob job = fixed(edge(random), edge(random));
    const SizePlan plan = plan_sizes(job, info, 3).value();
    const Region& p = plan.picture;
    SCOPED_TRACE(fmt::format("{}x{} into {}x{}", info.width, info.height, job.input_width, job.input_height));
    ASSERT_EQ(input_of(plan), (Size{job.input_width, job.input_height}));
    ASSERT_TRUE(p.x >= 0 && p.y >= 0 && p.right() <= job.input_width && p.bottom() <= job.input_height);
    ASSERT_TRUE(p.x % 2 == 0 && p.y % 2 == 0);
    ASSERT_TRUE(p.width == job.input_width || p.height == job.input_height);
    const double factor = std::min(double(job.input_width) / info.width, double(job.input_height) / info.height);
    // Rounded to whole pixels, for video to even ones.
    const double slack = info.still ? 0.5 : 1.5;
    ASSERT_LE(std::abs(p.width - std::max(info.width * factor, 1.0)), slack);
    ASSERT_LE(std::abs(p.height - std::max(info.height * factor, 1.0)), slack);
    ASSERT_LE(std::abs((job.input_width - p.right()) - p.x), 3);
    ASSERT_LE(std::abs((job.input_height - p.bottom()) - p.y), 3);
  }
}

TEST(SizePlan, BarsStayWhenAsked) {
  VideoJob job = fixed(200, 200);
  job.keep_bars = true;
  SizePlan plan = plan_sizes(job, source(320, 180), 2).value();
  EXPECT_EQ(plan.kept, (Region{0, 0, 400, 400}));
  EXPECT_EQ(output_of(plan), (Size{400, 400}));
  job.scale = 1;  // the picture within the bars has the source's size
  plan = plan_sizes(job, source(320, 160), 2).value();
  EXPECT_EQ(output_of(plan), (Size{320, 320}));
}

TEST(SizePlan, ScaleIsOfTheSource) {
  VideoJob job;
  job.max_input_height = 90;
  job.scale = 2;
  SizePlan plan = plan_sizes(job, source(320, 180), 4).value();
  EXPECT_EQ(input_of(plan), (Size{160, 90}));
  EXPECT_EQ(plan.kept, (Region{0, 0, 640, 360}));
  EXPECT_EQ(output_of(plan), (Size{640, 360}));
  job.scale = 1;
  EXPECT_EQ(output_of(plan_sizes(job, source(320, 180), 4).value()), (Size{320, 180}));
  job.max_width = 200;  // applies last
  EXPECT_EQ(output_of(plan_sizes(job, source(320, 180), 4).value()), (Size{200, 114}));
  job = fixed(100, 200, Fit::stretch);
  job.scale = 1;
  plan = plan_sizes(job, source(320, 180), 4).value();
  EXPECT_EQ(output_of(plan), (Size{320, 180}));
  EXPECT_EQ(plan.aspect_change, (Rational{1, 1}));
}

// Whatever is stretched is shown in the source's shape.
TEST(SizePlan, StretchingChangesTheSampleAspectRatio) {
  const VideoInfo info = source(853, 480);
  const SizePlan plan = plan_sizes(fixed(200, 333, Fit::stretch), info, 2).value();
  EXPECT_EQ(output_of(plan), (Size{400, 666}));
  for (const Rational before : {Rational{1, 1}, Rational{4, 3}, Rational{64, 45}}) {
    const Rational after = stretched_aspect(before, plan.aspect_change);
    EXPECT_LE(std::max(after.num, after.den), 65535);
    const double shape_before = before.value() * info.width / info.height;
    // Terms of 16 bits are good for this much.
    EXPECT_NEAR(after.value() * plan.output_width / plan.output_height, shape_before, 1e-3 * shape_before);
  }
  EXPECT_EQ(stretched_aspect({0, 1}, {16, 9}), (Rational{16, 9}));
  const Rational unknown = stretched_aspect({0, 1}, {1, 1});
  EXPECT_EQ(unknown.num, 0);
}

TEST(SizePlan, TooLargeIsRefused) {
  EXPECT_EQ(plan_sizes(fixed(max_picture_edge, 16), source(64, 48), 2).error().code, ErrorCode::unsupported);
  VideoJob job;
  job.scale = 64;
  EXPECT_EQ(plan_sizes(job, source(4096, 16), 1).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace framelift
