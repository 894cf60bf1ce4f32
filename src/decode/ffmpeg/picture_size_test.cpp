#include "decode/picture_size.h"

#include <algorithm>

#include "decode/media_test_support.h"
#include "decode/picture_files.h"

namespace framelift {
namespace {

class PictureSizeTest : public test::MediaTest {};

TEST_F(PictureSizeTest, IsWhatTheDecoderGives) {
  for (const char* name : {"a.png", "a.jpg", "a.tif", "a.bmp", "a.webp", "a.ppm", "a.exr", "a.dpx"}) {
    ffmpeg(fmt::format("-f lavfi -i testsrc2=s=46x34 -frames:v 1 {}", name));
    const auto size = read_picture_size(path(name));
    ASSERT_TRUE(size) << name << ": " << size.error().message;
    EXPECT_EQ(size->width, 46) << name;
    EXPECT_EQ(size->height, 34) << name;
  }
}

// The compressed pixels are destroyed: who would decode them would fail.
TEST_F(PictureSizeTest, ComesFromTheHeadOfTheFile) {
  ffmpeg("-f lavfi -i testsrc2=s=640x480 -frames:v 1 whole.png");
  std::string bytes = test::read_file(path("whole.png"));
  std::fill_n(bytes.begin() + 150, 3000, '\xaa');
  std::ofstream(path("bad.png"), std::ios::binary) << bytes;
  const auto size = read_picture_size(path("bad.png"));
  ASSERT_TRUE(size) << size.error().message;
  EXPECT_EQ(size->width, 640);
  EXPECT_EQ(size->height, 480);
  EXPECT_NE(test::decode_all(path("bad.png")).error, "");
}

TEST_F(PictureSizeTest, NamesTheFileThatHasNone) {
  std::ofstream(path("text.png")) << "This is not a picture.\n";
  std::ofstream(path("empty.png")).flush();
  for (const char* name : {"text.png", "empty.png", "missing.png"}) {
    const auto size = read_picture_size(path(name));
    ASSERT_FALSE(size) << name;
    EXPECT_NE(size.error().message.find(name), std::string::npos) << size.error().message;
  }
}

TEST(PictureName, IsKnownByItsExtension) {
  EXPECT_TRUE(is_picture_name("a/b.PNG"));
  EXPECT_TRUE(is_picture_name("x.y.jpeg"));
  EXPECT_FALSE(is_picture_name("a.png.json"));
  EXPECT_FALSE(is_picture_name("png"));
}

}  // namespace
}  // namespace framelift
