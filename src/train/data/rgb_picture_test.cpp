#include "train/data/rgb_picture.h"

#include <cmath>

#include "color/pq.h"
#include "color/transfer.h"
#include "decode/media_test_support.h"
#include "train/data/picture_for_test.h"

namespace framelift {
namespace {

class RgbPictureFile : public test::MediaTest {};

TEST_F(RgbPictureFile, ComesBackToTheCode) {
  Tensor picture = test::random_picture(21, 34, 1);
  for (const auto& [name, bits] : {std::pair{"a.png", 8}, {"b.png", 16}, {"c.tif", 8}, {"d.tif", 16}}) {
    test::write_srgb(path(name), picture, static_cast<uint8_t>(bits));
    const auto read = read_rgb_picture(path(name));
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->rgb.shape(), picture.shape());
    EXPECT_EQ(read->color.transfer, TransferCharacteristic::srgb);
    const double half_step = 0.5 / ((1 << bits) - 1) + 1e-7;
    for (size_t i = 0; i < picture.f32().size(); ++i)
      ASSERT_NEAR(read->rgb.f32()[i], picture.f32()[i], half_step) << name;
  }
}

TEST_F(RgbPictureFile, TurnsPicturesThatAskForIt) {
  const std::string clip = test::clips_folder + "/decord_video_90.mov";
  if (!test::fs::exists(clip)) GTEST_SKIP() << "needs " << clip;
  const auto read = read_rgb_picture(clip);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->rgb.shape(), (Shape{1, 3, 568, 320}));
}

TEST_F(RgbPictureFile, NamesWhatCannotBeReadOrWritten) {
  const auto read = read_rgb_picture(path("missing.png"));
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("missing.png"), std::string::npos);
  Tensor picture = test::random_picture(8, 8, 1);
  const Status written = write_rgb_picture(path("none/a.png"), picture.view(), {{ColorFamily::rgb, 8}, {}, "", {}});
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("none"), std::string::npos);
}

RgbPicture gray(float code, TransferCharacteristic transfer, ColorPrimaries primaries) {
  return {Tensor::filled({1, 3, 2, 2}, code), {MatrixCoefficients::rgb, transfer, primaries, ColorRange::full}};
}

// Reference white is 203 cd/m2: 58 % of PQ and 75 % of HLG (BT.2408-7, Table 1, both rounded to whole percents),
// whatever the primaries.
TEST(RgbPicture, ReferenceWhiteOfEveryCurveIsOne) {
  const auto white = static_cast<float>(pq_inverse_eotf(203.0));
  EXPECT_NEAR(white, 0.58, 0.005);
  for (auto [code, transfer, tolerance] : {std::tuple{white, TransferCharacteristic::pq, 1e-4},
                                           {0.75f, TransferCharacteristic::hlg, 5e-3},
                                           {1.0f, TransferCharacteristic::srgb, 1e-5},
                                           {1.0f, TransferCharacteristic::bt709, 1e-5},
                                           {1.0f, TransferCharacteristic::linear, 1e-6}})
    for (const ColorPrimaries primaries : {ColorPrimaries::bt709, ColorPrimaries::bt2020}) {
      RgbPicture picture = gray(code, transfer, primaries);
      to_linear_light(picture);
      EXPECT_EQ(picture.color.transfer, TransferCharacteristic::linear);
      EXPECT_EQ(picture.color.primaries, ColorPrimaries::bt709);
      for (const float v : picture.rgb.f32()) EXPECT_NEAR(v, 1, tolerance) << static_cast<int>(transfer);
    }
}

TEST(RgbPicture, LinearLightKeepsItsBits) {
  RgbPicture picture{
      test::random_picture(5, 5, 2, -1, 1000),
      {MatrixCoefficients::rgb, TransferCharacteristic::linear, ColorPrimaries::bt709, ColorRange::full}};
  const Tensor before = picture.rgb.clone();
  to_linear_light(picture);
  EXPECT_TRUE(test::same_bits(picture.rgb, before));
}

TEST(RgbPicture, NonFiniteValuesAreReplaced) {
  const float values[] = {NAN, INFINITY, -INFINITY, -2, 1e30f, 0};
  Tensor t = Tensor::from_f32({6}, values);
  replace_non_finite(t.view());
  const float expected[] = {0, 10, 0, -2, 1e30f, 0};
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(t.f32()[i], expected[i]);
}

}  // namespace
}  // namespace framelift
