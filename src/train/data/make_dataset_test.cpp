#include "train/data/make_dataset.h"

#include <cmath>
#include <fstream>
#include <map>

#include "color/transfer.h"
#include "decode/media_test_support.h"
#include "train/data/paired_folders.h"
#include "train/data/picture_for_test.h"

namespace framelift {
namespace {

using test::random_picture;
using test::same_bits;

// Light over four orders of magnitude.
Tensor hdr_picture(int height, int width, uint64_t seed) {
  Tensor picture = random_picture(height, width, seed, std::log(0.01), std::log(100));
  for (float& v : picture.f32()) v = std::exp(v);
  return picture;
}

PairRecipe drawn(const Tensor& picture, bool panorama, uint64_t seed, const CameraRanges& ranges = {}) {
  return draw_pair(picture, 32, panorama, ranges, {seed});
}

TEST(DrawPair, IsAFunctionOfPictureAndSeed) {
  const Tensor picture = hdr_picture(64, 128, 1);
  for (const bool panorama : {false, true}) {
    DatasetRecipe a{"", 0, 32, {{"x", ""}}, {drawn(picture, panorama, 5)}}, b = a, c = a;
    b.pairs[0] = drawn(picture, panorama, 5);
    c.pairs[0] = drawn(picture, panorama, 6);
    EXPECT_EQ(to_json(a), to_json(b));
    EXPECT_NE(to_json(a), to_json(c));
  }
}

TEST(DrawPair, StaysInItsRanges) {
  const Tensor picture = hdr_picture(48, 80, 2);
  CameraRanges ranges;
  int camera = 0, noise = 0, jpeg = 0;
  constexpr int n = 400;
  for (int i = 0; i < n; ++i) {
    const PairRecipe pair = drawn(picture, false, static_cast<uint64_t>(i), ranges);
    const auto rendered = render_pair(picture, pair, 32);
    ASSERT_TRUE(rendered) << rendered.error().message;  // so the crop is inside
    size_t above = 0;
    for (size_t p = 0; p < 32 * 32; ++p)
      above +=
          std::max({rendered->hdr.f32()[p], rendered->hdr.f32()[p + 1024], rendered->hdr.f32()[p + 2048]}) > 1.00001f;
    const double share = static_cast<double>(above) / 1024;
    EXPECT_GE(share, ranges.clipped_low - 2.0 / 1024);  // whole pixels, and those that rounding puts beside 1
    EXPECT_LE(share, ranges.clipped_high + 1.0 / 1024);
    for (const size_t c : {size_t{0}, size_t{2}})
      EXPECT_LE(std::abs(std::log2(pair.gain[c] / pair.gain[1])), ranges.white_balance_stops + 1e-12);
    camera += !pair.camera.curve.is_srgb();
    noise += pair.camera.noise.shot > 0;
    jpeg += pair.jpeg.has_value();
  }
  // Shares of 0.5: five standard deviations of 400 draws are 50.
  for (const int count : {camera, noise, jpeg}) EXPECT_NEAR(count, n / 2, 50);
  ranges = {0.1, 0.1, 0, 0, 0, 0};
  for (int i = 0; i < 20; ++i) {
    const PairRecipe pair = drawn(picture, false, static_cast<uint64_t>(i), ranges);
    EXPECT_TRUE(pair.camera.curve.is_srgb());
    EXPECT_EQ(pair.camera.noise.shot, 0);
    EXPECT_FALSE(pair.jpeg);
    EXPECT_EQ(pair.gain[0], pair.gain[1]);
  }
}

TEST(DrawPair, CropsReachEveryEdge) {
  const Tensor picture = hdr_picture(33, 34, 3);
  std::set<std::pair<int, int>> seen;
  for (uint64_t i = 0; i < 100; ++i) {
    const auto crop = std::get<PictureCrop>(drawn(picture, false, i).view);
    seen.insert({crop.x, crop.y});
  }
  EXPECT_EQ(seen, (std::set<std::pair<int, int>>{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}, {2, 1}}));
}

// By a way of its own: the input is what the curve makes of the clipped target, within half a step where there is no
// noise.
TEST(RenderPair, InputAndTargetAreTheSameScene) {
  const Tensor picture = hdr_picture(48, 48, 4);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    PairRecipe pair = drawn(picture, false, seed);
    pair.camera.noise = {};
    const RenderedPair rendered = render_pair(picture, pair, 32).value();
    const auto& curve = pair.camera.curve;
    for (size_t i = 0; i < rendered.ldr.f32().size(); ++i) {
      const double light = std::min(1.0, double{rendered.hdr.f32()[i]});
      const double signal = curve.sigma > 0      ? (1 + curve.sigma) / (1 + curve.sigma * std::pow(light, -curve.n))
                            : light <= 0.0031308 ? 12.92 * light
                                                 : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
      ASSERT_NEAR(rendered.ldr.f32()[i], signal, 0.5 / 255 + 1e-6);
    }
  }
}

TEST(RenderPair, RefusesACropOutsideThePicture) {
  PairRecipe pair;
  for (const PictureCrop crop : {PictureCrop{17, 0}, {0, 9}, {1 << 24, 1 << 24}}) {
    pair.view = crop;
    EXPECT_FALSE(render_pair(random_picture(40, 48, 1), pair, 32));
  }
}

class DatasetFiles : public test::MediaTest {
 protected:
  // Everything below a folder, by name.
  std::map<std::string, std::string> contents(const std::string& name) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : test::fs::recursive_directory_iterator(path(name)))
      if (entry.is_regular_file())
        files[entry.path().lexically_relative(path(name)).string()] = test::read_file(entry.path());
    return files;
  }
  DatasetRecipe random_recipe() const {
    DatasetRecipe recipe{"some/folder", ~uint64_t{0}, 32, {{"a.exr", std::string(64, 'a')}, {"b/c.exr", ""}}, {}};
    for (uint64_t i = 0; i < 30; ++i) {
      const Tensor picture = hdr_picture(40, 80, i);
      recipe.pairs.push_back(drawn(picture, i % 2 != 0, i));
      recipe.pairs.back().name = "pair" + std::to_string(i);
      recipe.pairs.back().source = i % 2;
    }
    return recipe;
  }
  std::string read_error(const std::string& text) const {
    std::ofstream(path("recipe.json")) << text;
    const auto recipe = read_recipe(path("recipe.json"));
    return recipe ? "" : recipe.error().message;
  }
  // Whether this build writes OpenEXR.
  bool has_exr() const {
    Tensor picture = random_picture(8, 8, 1);
    const Status status = write_rgb_picture(
        path("probe.exr"), picture.view(),
        {{ColorFamily::rgb, 32},
         {MatrixCoefficients::rgb, TransferCharacteristic::linear, ColorPrimaries::bt709, ColorRange::full},
         "",
         {{"type", "float"}}});
    if (!status) {
      EXPECT_EQ(status.error().code, ErrorCode::unsupported) << status.error().message;
    }
    test::fs::remove(path("probe.exr"));
    return status.has_value();
  }
};

TEST_F(DatasetFiles, ARecipeComesBackBitForBit) {
  const DatasetRecipe recipe = random_recipe();
  const std::string text = to_json(recipe);
  std::ofstream(path("recipe.json")) << text;
  const auto read = read_recipe(path("recipe.json"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(*read), text);
  ASSERT_EQ(read->pairs.size(), recipe.pairs.size());
  for (size_t i = 0; i < recipe.pairs.size(); ++i) {
    const Tensor picture = hdr_picture(40, 80, i);
    const auto before = render_pair(picture, recipe.pairs[i], 32), after = render_pair(picture, read->pairs[i], 32);
    EXPECT_TRUE(same_bits(before->ldr, after->ldr));
    EXPECT_TRUE(same_bits(before->hdr, after->hdr));
  }
}

TEST_F(DatasetFiles, ABrokenRecipeIsRefusedWithThePlace) {
  const std::string text = to_json(random_recipe());
  ASSERT_EQ(read_error(text), "");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const size_t place = changed.find(from);
    EXPECT_NE(place, std::string::npos) << from;
    return read_error(changed.replace(place, from.size(), to));
  };
  const std::vector<std::array<std::string, 3>> cases{
      {"\"framelift_dataset\": 1", "\"framelift_dataset\": 2", "framelift_dataset"},
      {"\"size\": 32", "\"size\": -32", "size"},
      {"\"size\": 32", "\"size\": 1000000", "size"},
      {"\"file\": \"a.exr\"", "\"file\": \"../a.exr\"", "file"},
      {"\"file\": \"a.exr\"", "\"file\": \"/etc/passwd\"", "file"},
      {"\"name\": \"pair0\"", "\"name\": \"../pair0\"", "name"},
      {"\"name\": \"pair0\"", "\"name\": \"x/pair0\"", "name"},
      {"\"name\": \"pair1\"", "\"name\": \"pair0\"", "name"},
      {"\"source\": 1", "\"source\": 2", "source"},
      {"\"gain\": [", "\"gain\": [0,", "gain"},
      {"\"shot\": ", "\"shot\": -", "shot"},
      {"\"yaw\": ", "\"yaw\": 1e300, \"was\": ", "yaw"},
      {"\"pairs\": [", "\"pairs\": [7, ", "pairs\\[0\\]"},
      {"\"pairs\": [", "\"none\": [", "pairs"},
      {"{", "[", "JSON"},
  };
  for (const auto& [from, to, says] : cases) {
    const std::string error = with(from, to);
    EXPECT_NE(error, "") << to;
    EXPECT_NE(error.find("recipe.json"), std::string::npos) << error;
    EXPECT_TRUE(testing::internal::RE::PartialMatch(error, testing::internal::RE(says))) << to << ": " << error;
  }
  EXPECT_NE(read_error(text.substr(0, text.size() / 2)), "");
  EXPECT_NE(read_error(""), "");
  EXPECT_FALSE(read_recipe(path("missing.json")));
}

TEST_F(DatasetFiles, AreMadeAgainBitForBitAndMakeADataset) {
  if (!has_exr()) GTEST_SKIP() << "this build writes no OpenEXR";
  test::fs::create_directories(path("from/sub"));
  for (const auto& [name, height, width] :
       {std::tuple{"from/a.png", 40, 50}, {"from/sub/b c.png", 32, 64}, {"from/small.png", 20, 40}}) {
    Tensor picture = random_picture(height, width, static_cast<uint64_t>(width));
    test::write_srgb(path(name), picture, 16);
  }
  std::ofstream(path("from/broken.png")) << "no picture";
  DatasetDraw draw;
  draw.from = path("from");
  draw.count = 9;
  draw.size = 32;
  DatasetJob job;
  job.out = path("out");
  const auto made = make_dataset(draw, job);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->pairs, 9u);
  EXPECT_EQ(made->pictures, 3u);  // small.png is twice as wide as high: a panorama
  EXPECT_EQ(made->left_out.size(), 1u);

  const auto first = contents("out");
  EXPECT_EQ(first.size(), 19u);
  const auto recipe = read_recipe(path("out/recipe.json"));
  ASSERT_TRUE(recipe) << recipe.error().message;
  job.out = path("again");
  ASSERT_TRUE(remake_dataset(*recipe, "", job));
  EXPECT_EQ(contents("again"), first);
  job.out = path("third");
  ASSERT_TRUE(make_dataset(draw, job));
  EXPECT_EQ(contents("third"), first);
  draw.seed = 43;
  const auto refused = make_dataset(draw, job);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--overwrite"), std::string::npos);
  EXPECT_EQ(contents("third"), first);
  draw.count = 4;
  job.overwrite = true;
  ASSERT_TRUE(make_dataset(draw, job));
  EXPECT_EQ(contents("third").size(), 9u);  // nothing is left of the set before

  const auto data = PairedFolders::open(find_pair_folders(path("out")).value(), {32, 1.0, true});
  ASSERT_TRUE(data) << data.error().message;
  ASSERT_EQ((*data)->size(), 9u);
  EXPECT_TRUE((*data)->left_out().empty());
  for (size_t i = 0; i < 9; ++i) {
    const auto sample = (*data)->load(i);
    ASSERT_TRUE(sample) << sample.error().message;
    EXPECT_EQ(sample->name, recipe->pairs[i].name);
    auto source = read_rgb_picture(path("from/" + recipe->sources[recipe->pairs[i].source].file));
    ASSERT_TRUE(source);
    to_linear_light(*source);
    const RenderedPair rendered = render_pair(source->rgb, recipe->pairs[i], 32).value();
    EXPECT_TRUE(same_bits(sample->target, rendered.hdr));
    if (recipe->pairs[i].jpeg) continue;
    for (size_t p = 0; p < rendered.ldr.f32().size(); ++p)
      ASSERT_NEAR(sample->input.f32()[p], srgb_eotf(double{rendered.ldr.f32()[p]}), 1e-6);
  }
}

TEST_F(DatasetFiles, AnotherPictureUnderTheNameOfASourceIsRefused) {
  if (!has_exr()) GTEST_SKIP() << "this build writes no OpenEXR";
  test::fs::create_directories(path("from"));
  Tensor picture = random_picture(40, 40, 1), other = random_picture(40, 40, 2);
  test::write_srgb(path("from/a.png"), picture);
  DatasetDraw draw;
  draw.from = path("from/a.png");
  draw.count = 2;
  draw.size = 32;
  DatasetJob job;
  job.out = path("out");
  ASSERT_TRUE(make_dataset(draw, job));
  test::write_srgb(path("from/a.png"), other);
  job.out = path("again");
  const auto made = remake_dataset(read_recipe(path("out/recipe.json")).value(), "", job);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("a.png"), std::string::npos);
  EXPECT_FALSE(test::fs::exists(path("again/recipe.json")));
}

TEST_F(DatasetFiles, CancellingKeepsWhatIsDone) {
  if (!has_exr()) GTEST_SKIP() << "this build writes no OpenEXR";
  Tensor picture = random_picture(40, 40, 1);
  test::write_srgb(path("a.png"), picture);
  Cancellation cancel;
  DatasetDraw draw;
  draw.from = path("a.png");
  draw.size = 32;
  DatasetJob job;
  job.out = path("out");
  job.cancel = &cancel;
  job.on_pair = [&](size_t done, size_t total) {
    EXPECT_EQ(total, 100u);
    if (done == 3) cancel.request();
  };
  const auto made = make_dataset(draw, job);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::cancelled);
  EXPECT_EQ(read_recipe(path("out/recipe.json")).value().pairs.size(), 3u);
  EXPECT_EQ(contents("out").size(), 7u);
}

TEST_F(DatasetFiles, WithoutAUsablePictureSaysWhy) {
  DatasetDraw draw;
  DatasetJob job;
  job.out = path("out");
  const auto error = [&](const std::string& from) {
    draw.from = path(from);
    const auto made = make_dataset(draw, job);
    EXPECT_FALSE(made);
    EXPECT_FALSE(test::fs::exists(path("out")));
    return made ? "" : made.error().message;
  };
  test::fs::create_directories(path("empty"));
  Tensor picture = random_picture(40, 50, 1);
  test::write_srgb(path("small.png"), picture);
  std::ofstream(path("text.png")) << "no picture";
  EXPECT_NE(error("missing").find("missing"), std::string::npos);
  EXPECT_NE(error("empty").find("no usable picture"), std::string::npos);
  EXPECT_NE(error("small.png").find("--size"), std::string::npos);
  EXPECT_NE(error("text.png").find("text.png"), std::string::npos);
}

}  // namespace
}  // namespace framelift
