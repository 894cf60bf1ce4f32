#include <gtest/gtest.h>

#include <vector>

#include "compress/hinerv_plan.h"
#include "network/hinerv/config_text.h"

namespace framelift {
namespace {

SizeChoice by_rate(double bits_per_pixel) {
  SizeChoice choice;
  choice.bits_per_pixel = bits_per_pixel;
  choice.bits = 6;
  return choice;
}

SizeChoice by_name(const char* name) {
  SizeChoice choice;
  choice.name = name;
  return choice;
}

struct SizeCase {
  int width, height, patch_width, patch_height, coded_width, coded_height, stride;
};

// 720p and 1080p come out as the authors have them.
TEST(HinervPlan, SizesAndPatches) {
  for (const SizeCase& c : {SizeCase{1280, 720, 80, 80, 1280, 720, 40}, SizeCase{1920, 1080, 120, 120, 1920, 1080, 60},
                            SizeCase{320, 180, 320, 192, 320, 192, 32}, SizeCase{1, 1, 8, 8, 8, 8, 8}}) {
    const HinervPlan plan = plan_hinerv(10, c.width, c.height, by_rate(1)).value();
    EXPECT_EQ(plan.patch_width, c.patch_width) << c.width;
    EXPECT_EQ(plan.patch_height, c.patch_height) << c.width;
    EXPECT_EQ(plan.config.width, c.coded_width) << c.width;
    EXPECT_EQ(plan.config.height, c.coded_height) << c.width;
    EXPECT_EQ(plan.config.stride(), c.stride) << c.width;
  }
}

TEST(HinervPlan, PatchesFillTheCodedSize) {
  for (int width = 1; width < 2100; width += 37)
    for (const int height : {1, 79, 81, 144, 180, 241, 480, 1088, 2160}) {
      const HinervPlan plan = plan_hinerv(8, width, height, {}).value();
      const HinervConfig& c = plan.config;
      ASSERT_GE(c.width, width);
      ASSERT_GE(c.height, height);
      ASSERT_EQ(c.width % plan.patch_width, 0);
      ASSERT_EQ(c.height % plan.patch_height, 0);
      ASSERT_EQ(plan.patch_width % c.stride(), 0);
      ASSERT_EQ(plan.patch_height % c.stride(), 0);
      // Nowhere more than a sixth larger, once pictures are larger than the smallest patches are.
      if (width > 640) {
        ASSERT_LE(c.width, width * 7 / 6) << width;
      }
    }
}

TEST(HinervPlan, PublishedSizesHaveTheirNumbersOfWeights) {
  EXPECT_EQ(count_hinerv_parameters(plan_hinerv(132, 1280, 720, by_name("bunny-xxs")).value().config), 766691);
  EXPECT_EQ(count_hinerv_parameters(plan_hinerv(132, 1280, 720, by_name("bunny-xs")).value().config), 1585666);
  EXPECT_EQ(count_hinerv_parameters(plan_hinerv(600, 1920, 1080, by_name("uvg-s")).value().config), 3188933);
  EXPECT_FALSE(plan_hinerv(132, 1280, 720, by_name("bunny-xxxs")));
}

// The widest network that the rate allows: one more channel would be too much.
TEST(HinervPlan, WidthsByRate) {
  for (const double rate : {0.05, 0.2, 1.0}) {
    const HinervPlan plan = plan_hinerv(64, 320, 180, by_rate(rate)).value();
    const double weights = rate * 320 * 180 * 64 / expected_bits_per_weight(6, 0.15);
    const auto count = static_cast<double>(count_hinerv_parameters(plan.config));
    EXPECT_LE(count, weights);
    EXPECT_GT(count, 0.85 * weights);  // steps of one channel are fine enough for that
  }
}

// Halving stops there; published sizes are as published.
TEST(HinervPlan, NoStageHasFewerThanEightChannels) {
  const HinervConfig small = plan_hinerv(64, 320, 180, by_rate(0.05)).value().config;
  ASSERT_EQ(small.channels, 25);
  std::vector<int> channels;
  for (int stage = 0; stage < 4; ++stage) channels.push_back(hinerv_channels(small, stage).out);
  EXPECT_EQ(channels, (std::vector{25, 12, 8, 8}));
  const HinervConfig tiny = plan_hinerv(1, 16, 16, by_rate(0.05)).value().config;
  for (int stage = 0; stage < 4; ++stage) EXPECT_EQ(hinerv_channels(tiny, stage).out, tiny.channels);
  EXPECT_EQ(plan_hinerv(132, 1280, 720, by_name("bunny-xxs")).value().config.least_channels, 1);
}

TEST(HinervTexts, ThereAndBack) {
  for (const PublishedHinerv& published : published_hinerv()) {
    const HinervConfig& c = published.config;
    const auto back = parse_hinerv_texts(hinerv_texts(c), c.frames, c.height, c.width, "a.fnv");
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, c) << published.name;
  }
}

TEST(HinervTexts, Mistakes) {
  const HinervConfig c = find_published_hinerv("bunny-xxs").value();
  HinervConfig planes = c;
  planes.output = HinervOutput::ycbcr_420;
  EXPECT_EQ(parse_hinerv_texts(hinerv_texts(planes), c.frames, c.height, c.width, "a.fnv").value(), planes);
  const HinervTexts good = hinerv_texts(c);
  const auto says = [&](const HinervTexts& texts, const char* word) {
    const auto result = parse_hinerv_texts(texts, c.frames, c.height, c.width, "a.fnv");
    ASSERT_FALSE(result) << word;
    EXPECT_NE(result.error().message.find(word), std::string::npos) << result.error().message;
    EXPECT_TRUE(result.error().message.starts_with("a.fnv: ")) << result.error().message;
  };
  for (size_t i = 0; i < good.size(); ++i) {
    HinervTexts texts = good;
    texts.erase(texts.begin() + static_cast<ptrdiff_t>(i));
    says(texts, "lacks the setting");
    texts = good;
    texts.push_back(good[i]);
    says(texts, "twice");
    texts = good;
    texts[i].second += "x";
    says(texts, i == 0 ? "a network 'hinervx'" : "is no number");
  }
  HinervTexts texts = good;
  texts.emplace_back("colour", "1");
  says(texts, "'colour'");
  texts = good;
  for (auto& [key, value] : texts)
    if (key == "depths") value = "3,3,3";
  says(texts, "do not fit");
  for (auto& [key, value] : texts)
    if (key == "depths") value = "3,3,3,1000000";
  says(texts, "a depth");
}

}  // namespace
}  // namespace framelift
