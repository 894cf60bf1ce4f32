#include "frame/hdr_metadata.h"

#include <gtest/gtest.h>

namespace framelift {
namespace {

void expect_display(const std::string& text, const MasteringDisplay& expected) {
  SCOPED_TRACE(text);
  const auto display = parse_mastering_display(text);
  ASSERT_TRUE(display) << display.error().message;
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 2; ++j) EXPECT_DOUBLE_EQ(display->primaries[i][j], expected.primaries[i][j]);
  for (size_t j = 0; j < 2; ++j) EXPECT_DOUBLE_EQ(display->white_point[j], expected.white_point[j]);
  EXPECT_DOUBLE_EQ(display->max_nits, expected.max_nits);
  EXPECT_DOUBLE_EQ(display->min_nits, expected.min_nits);
}

// The strings are those of x265's documentation and of UHD Blu-ray authoring guides.
TEST(MasteringDisplay, X265SyntaxAndShortNamesMeanTheSame) {
  const MasteringDisplay p3{{{{0.68, 0.32}, {0.265, 0.69}, {0.15, 0.06}}}, {0.3127, 0.329}, 0.0001, 1000};
  expect_display("G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)", p3);
  expect_display("p3-d65-1000", p3);
  const MasteringDisplay bt2020{{{{0.708, 0.292}, {0.17, 0.797}, {0.131, 0.046}}}, {0.3127, 0.329}, 0.0001, 4000};
  expect_display("G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(40000000,1)", bt2020);
  expect_display("bt2020-4000", bt2020);
}

TEST(MasteringDisplay, RefusesEverythingElse) {
  for (const char* text : {"", "p3", "p3-d65-", "p3-d65-0", "p3-d65-10001", "p3-d65-1000x", "bt709-1000", "bt2020--5",
                           "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1", "G(13250,34500)",
                           "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)x",
                           "R(34000,16000)G(13250,34500)B(7500,3000)WP(15635,16450)L(10000000,1)",
                           "G(60000,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)",
                           "G(13250,34500)B(7500,0)R(34000,16000)WP(15635,16450)L(10000000,1)",
                           "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(1,1)",
                           "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(100000001,1)"}) {
    const auto display = parse_mastering_display(text);
    ASSERT_FALSE(display) << text;
    EXPECT_EQ(display.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(display.error().message.find("p3-d65-1000"), std::string::npos) << "names no remedy";
  }
}

TEST(ContentLight, IsTwoNumbersInOrder) {
  const auto light = parse_content_light("1000,400");
  ASSERT_TRUE(light);
  EXPECT_EQ(light->max_content_nits, 1000);
  EXPECT_EQ(light->max_frame_average_nits, 400);
  for (const char* text : {"", "1000", "1000,", "400,1000", "10001,400", "1000,0", "1000,400x", "1000;400", "-5,-6"})
    EXPECT_FALSE(parse_content_light(text)) << text;
}

}  // namespace
}  // namespace framelift
