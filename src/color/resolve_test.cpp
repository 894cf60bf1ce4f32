#include "color/resolve.h"

#include <gtest/gtest.h>

namespace framelift {
namespace {

TEST(ResolveColor, GuessesByPictureSize) {
  const ColorInfo sd = resolve_color({}, 720, 576, false);
  EXPECT_EQ(sd.matrix, MatrixCoefficients::smpte170m);
  EXPECT_EQ(sd.primaries, ColorPrimaries::smpte170m);
  EXPECT_EQ(sd.transfer, TransferCharacteristic::smpte170m);
  EXPECT_EQ(sd.range, ColorRange::limited);
  EXPECT_EQ(sd.chroma_location, ChromaLocation::left);
  for (const auto& [width, height] : {std::pair{1280, 544}, std::pair{960, 720}}) {
    const ColorInfo hd = resolve_color({}, width, height, false);
    EXPECT_EQ(hd.matrix, MatrixCoefficients::bt709);
    EXPECT_EQ(hd.primaries, ColorPrimaries::bt709);
    EXPECT_EQ(hd.transfer, TransferCharacteristic::bt709);
  }
}

TEST(ResolveColor, PrimariesDecideTheMatrix) {
  ColorInfo color;
  color.primaries = ColorPrimaries::bt2020;
  color.transfer = TransferCharacteristic::pq;
  const ColorInfo resolved = resolve_color(color, 3840, 2160, false);
  EXPECT_EQ(resolved.matrix, MatrixCoefficients::bt2020_ncl);
  EXPECT_EQ(resolved.transfer, TransferCharacteristic::pq);
  EXPECT_EQ(resolved.chroma_location, ChromaLocation::top_left);
  color = {};
  color.primaries = ColorPrimaries::bt709;
  EXPECT_EQ(resolve_color(color, 640, 480, false).matrix, MatrixCoefficients::bt709);
}

TEST(ResolveColor, RgbIsFullRangeSrgb) {
  ColorInfo color;
  color.matrix = MatrixCoefficients::bt709;  // a YUV tag on RGB planes says nothing
  const ColorInfo resolved = resolve_color(color, 640, 480, true);
  EXPECT_EQ(resolved.matrix, MatrixCoefficients::rgb);
  EXPECT_EQ(resolved.range, ColorRange::full);
  EXPECT_EQ(resolved.transfer, TransferCharacteristic::srgb);
  EXPECT_EQ(resolved.primaries, ColorPrimaries::bt709);
}

TEST(ResolveColor, RgbTagOnYuvPlanesIsIgnored) {
  ColorInfo color;
  color.matrix = MatrixCoefficients::rgb;
  EXPECT_EQ(resolve_color(color, 1920, 1080, false).matrix, MatrixCoefficients::bt709);
}

TEST(ResolveColor, LeavesWhatIsSpecified) {
  const ColorInfo color{MatrixCoefficients::fcc, TransferCharacteristic::gamma22, ColorPrimaries::dci_p3,
                        ColorRange::full, ChromaLocation::center};
  EXPECT_EQ(resolve_color(color, 1920, 1080, false), color);
}

}  // namespace
}  // namespace framelift
