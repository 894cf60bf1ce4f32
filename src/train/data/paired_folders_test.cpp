#include "train/data/paired_folders.h"

#include <cmath>
#include <fstream>
#include <thread>

#include "color/transfer.h"
#include "decode/media_test_support.h"
#include "train/data/batch_loader.h"
#include "train/data/picture_for_test.h"

namespace framelift {
namespace {

using test::random_picture;

class PairedFoldersTest : public test::MediaTest {
 protected:
  void picture(const std::string& name, int height, int width, uint64_t seed = 1, uint8_t bits = 8) const {
    test::fs::create_directories(test::fs::path(path(name)).parent_path());
    Tensor rgb = random_picture(height, width, seed);
    test::write_srgb(path(name), rgb, bits);
  }
  void text(const std::string& name, const std::string& content) const {
    test::fs::create_directories(test::fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
  }
  void ffmpeg_picture(const std::string& name, const std::string& options) const {
    test::fs::create_directories(test::fs::path(path(name)).parent_path());
    ffmpeg(options + " " + name);
  }
  Result<std::unique_ptr<PairedFolders>> open(PairRules rules = {16}) const {
    FL_TRY(const PairFolders folders, find_pair_folders(folder_));
    return PairedFolders::open(folders, rules);
  }
  std::string open_error(PairRules rules = {16}) const {
    const auto data = open(rules);
    return data ? "" : data.error().message;
  }
};

TEST_F(PairedFoldersTest, LdrBecomesLightAndHdrIsScaled) {
  picture("ldr/a.png", 20, 30, 1);
  picture("hdr/a.tif", 20, 30, 2, 16);
  const auto data = open({16, 8.0});
  ASSERT_TRUE(data) << data.error().message;
  const auto sample = (*data)->load(0);
  ASSERT_TRUE(sample) << sample.error().message;
  EXPECT_EQ(sample->name, "a");
  const Tensor ldr = random_picture(20, 30, 1), hdr = random_picture(20, 30, 2);
  for (size_t i = 0; i < ldr.f32().size(); ++i) {
    const double code = std::round(ldr.f32()[i] * 255) / 255;
    ASSERT_NEAR(sample->input.f32()[i], srgb_eotf(code), 1e-6);
    // Half a step of 16 bits, times the slope of the curve, which is below 2.3.
    ASSERT_NEAR(sample->target.f32()[i], srgb_eotf(double{hdr.f32()[i]}) / 8, 2.3 * 0.5 / 65535 / 8 + 1e-6);
  }
}

// The tags of JPEG say nothing of sRGB; the rule of this kind of pair does.
TEST_F(PairedFoldersTest, LdrIsSrgbWhateverItsTags) {
  ffmpeg_picture("ldr/a.jpg", "-f lavfi -i color=c=0x808080:s=32x32 -frames:v 1 -q:v 2");
  picture("hdr/a.png", 32, 32);
  const auto data = open();
  ASSERT_TRUE(data) << data.error().message;
  const Sample sample = (*data)->load(0).value();
  for (const float v : sample.input.f32()) ASSERT_NEAR(v, srgb_eotf(128 / 255.0), 0.01);  // JPEG: a code or two
}

TEST_F(PairedFoldersTest, SdrAndHdrFramesStayAsTheyAre) {
  picture("sdr/scene1/0001.png", 20, 30, 3);
  picture("hdr/scene1/0001.png", 20, 30, 4, 16);
  const auto data = open();
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ((*data)->name(0), "scene1/0001");
  const Sample sample = (*data)->load(0).value();
  const Tensor sdr = random_picture(20, 30, 3), hdr = random_picture(20, 30, 4);
  for (size_t i = 0; i < sdr.f32().size(); ++i) {
    ASSERT_NEAR(sample.input.f32()[i], sdr.f32()[i], 0.5 / 255 + 1e-7);
    ASSERT_NEAR(sample.target.f32()[i], hdr.f32()[i], 0.5 / 65535 + 1e-7);
  }
}

TEST_F(PairedFoldersTest, HighResolutionIsAWholeNumberOfTimesAsLarge) {
  picture("lr/a.png", 20, 30);
  picture("hr/a.png", 60, 90);
  picture("lr/b.png", 20, 30);
  picture("hr/b.png", 60, 91);
  picture("lr/c.png", 20, 30);
  picture("hr/c.png", 60, 60);
  const auto data = open();
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ((*data)->size(), 1u);
  EXPECT_EQ((*data)->count(PairProblem::size_mismatch), 2u);
  EXPECT_EQ((*data)->load(0).value().target.shape(), (Shape{1, 3, 60, 90}));
}

TEST_F(PairedFoldersTest, CountsWhatIsLeftOutAndWhy) {
  picture("ldr/good.png", 40, 50);
  picture("hdr/good.png", 40, 50);
  picture("ldr/sub/also good.png", 40, 40);
  picture("hdr/sub/also good.tif", 40, 40);
  picture("ldr/only ldr.png", 40, 40);
  picture("hdr/only hdr.png", 40, 40);
  picture("hdr/good/elsewhere.png", 40, 40);
  picture("ldr/size.png", 40, 50);
  picture("hdr/size.png", 50, 40);
  picture("ldr/small.png", 39, 90);
  picture("hdr/small.png", 39, 90);
  picture("ldr/twice.png", 40, 40);
  picture("ldr/twice.tif", 40, 40);
  picture("hdr/twice.png", 40, 40);
  picture("ldr/text.png", 40, 40);
  text("hdr/text.png", "This is not a picture.\n");
  text("ldr/empty.png", "");
  picture("hdr/empty.png", 40, 40);
  // None of these is a picture of the set.
  picture("ldr/.hidden.png", 40, 40);
  picture("ldr/.git/x.png", 40, 40);
  text("ldr/notes.txt", "x");
  text("hdr/recipe.json", "{}");

  const auto data = open({40});
  ASSERT_TRUE(data) << data.error().message;
  ASSERT_EQ((*data)->size(), 2u);
  EXPECT_EQ((*data)->name(0), "good");
  EXPECT_EQ((*data)->name(1), "sub/also good");
  EXPECT_EQ((*data)->count(PairProblem::unpaired), 3u);
  EXPECT_EQ((*data)->count(PairProblem::size_mismatch), 1u);
  EXPECT_EQ((*data)->count(PairProblem::too_small), 1u);
  EXPECT_EQ((*data)->count(PairProblem::ambiguous), 1u);
  EXPECT_EQ((*data)->count(PairProblem::unreadable), 2u);
  ASSERT_EQ((*data)->left_out().size(), 8u);
  for (const LeftOut& one : (*data)->left_out()) EXPECT_NE(one.detail.find(one.name), std::string::npos) << one.detail;
}

TEST_F(PairedFoldersTest, WithoutAnyPairSaysWhy) {
  EXPECT_NE(open_error().find("ldr/"), std::string::npos);
  test::fs::create_directories(path("ldr"));
  test::fs::create_directories(path("hdr"));
  EXPECT_NE(open_error().find("no pictures"), std::string::npos);
  picture("ldr/a.png", 20, 20);
  picture("ldr/b.png", 20, 20);
  picture("hdr/b.png", 20, 20);
  picture("hdr/c.png", 20, 20);
  const std::string error = open_error({21});
  for (const char* word : {"2 unpaired", "1 too small", "21 pixels"})
    EXPECT_NE(error.find(word), std::string::npos) << error;
  test::fs::create_directories(path("lr"));
  test::fs::create_directories(path("hr"));
  EXPECT_NE(open_error().find("lr/"), std::string::npos);
  const auto missing = PairedFolders::open({path("nowhere"), path("hdr")});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("nowhere"), std::string::npos);
}

// The compressed pixels of a PNG are destroyed: its head is good, so only reading it whole finds out.
TEST_F(PairedFoldersTest, ADamagedPictureIsFoundByDecodingOrNamedByLoad) {
  for (const char* name : {"a", "b", "c"}) {
    picture(std::string("ldr/") + name + ".png", 40, 40);
    picture(std::string("hdr/") + name + ".png", 40, 40);
  }
  std::string bytes = test::read_file(path("ldr/b.png"));
  std::fill_n(bytes.begin() + 150, 2000, '\xaa');
  text("ldr/b.png", bytes);
  const auto quick = open();
  ASSERT_TRUE(quick) << quick.error().message;
  ASSERT_EQ((*quick)->size(), 3u);
  const auto sample = (*quick)->load(1);
  ASSERT_FALSE(sample);
  EXPECT_NE(sample.error().message.find("b.png"), std::string::npos) << sample.error().message;
  EXPECT_TRUE((*quick)->load(2));

  const auto thorough = open({16, 4, true});
  ASSERT_TRUE(thorough) << thorough.error().message;
  EXPECT_EQ((*thorough)->size(), 2u);
  EXPECT_EQ((*thorough)->count(PairProblem::unreadable), 1u);
}

TEST_F(PairedFoldersTest, APictureThatHasChangedSinceIsNamed) {
  picture("ldr/a.png", 40, 40);
  picture("hdr/a.png", 40, 40);
  const auto data = open();
  ASSERT_TRUE(data) << data.error().message;
  for (const int side : {30, 80}) {
    picture("hdr/a.png", side, side);
    const auto sample = (*data)->load(0);
    ASSERT_FALSE(sample);
    EXPECT_NE(sample.error().message.find('a'), std::string::npos);
  }
}

TEST_F(PairedFoldersTest, LoadsFromManyThreads) {
  for (int i = 0; i < 4; ++i) {
    picture(fmt::format("ldr/{}.png", i), 32, 32, static_cast<uint64_t>(i));
    picture(fmt::format("hdr/{}.png", i), 32, 32, static_cast<uint64_t>(i + 10), 16);
  }
  const auto data = open();
  ASSERT_TRUE(data) << data.error().message;
  std::vector<std::string> names[2];
  Tensor last[2];
  for (const int workers : {0, 5}) {
    BatchOptions options;
    options.tile = 16;
    options.workers = workers;
    BatchLoader loader(**data, {0, 1, 2, 3}, options);
    loader.start_epoch(0);
    for (auto batch = loader.next(); batch && *batch; batch = loader.next()) {
      names[workers > 0].insert(names[workers > 0].end(), (*batch)->names.begin(), (*batch)->names.end());
      last[workers > 0] = std::move((*batch)->target);
    }
  }
  EXPECT_EQ(names[0].size(), 4u);
  EXPECT_EQ(names[0], names[1]);
  EXPECT_TRUE(test::same_bits(last[0], last[1]));
}

}  // namespace
}  // namespace framelift
