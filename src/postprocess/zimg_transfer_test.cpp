// Display-referred changes of curve and primaries against zimg, which implements all of those below.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "postprocess/zimg_oracle.h"
#include "preprocess/color_convert.h"

namespace framelift {
namespace {

using enum TransferCharacteristic;
using Colors = ColorPrimaries;

constexpr int width = 512, height = 8;

// zimg's picture in `to`, with light in units of `peak_nits` where a curve is absolute.
FloatPicture zimg_convert(FloatPicture& picture, const ColorInfo& from, const ColorInfo& to, double peak_nits) {
  zimg_image_format from_format = zimg_float_rgb(width, height), to_format = from_format;
  from_format.transfer_characteristics = static_cast<zimg_transfer_characteristics_e>(from.transfer);
  from_format.color_primaries = static_cast<zimg_color_primaries_e>(from.primaries);
  to_format.transfer_characteristics = static_cast<zimg_transfer_characteristics_e>(to.transfer);
  to_format.color_primaries = static_cast<zimg_color_primaries_e>(to.primaries);
  zimg_graph_builder_params params;
  zimg_graph_builder_params_default(&params, ZIMG_API_VERSION);
  params.nominal_peak_luminance = peak_nits;
  params.cpu_type = ZIMG_CPU_NONE;  // plain C, without approximations
  const std::unique_ptr<zimg_filter_graph, FreeZimgGraph> graph(
      zimg_filter_graph_build(&from_format, &to_format, &params));
  if (!graph) throw std::runtime_error("zimg refuses");
  size_t bytes = 0;
  zimg_filter_graph_get_tmp_size(graph.get(), &bytes);
  Tensor temporary(DType::u8, {static_cast<int64_t>(bytes) + 1});
  FloatPicture out(width, height);
  const auto source = zimg_buffer<zimg_image_buffer_const>(picture);
  const auto target = zimg_buffer<zimg_image_buffer>(out);
  zimg_filter_graph_process(graph.get(), &source, &target, temporary.data(), nullptr, nullptr, nullptr, nullptr);
  return out;
}

// Largest difference over random colours whose components lie in low..high.
double difference(const ColorInfo& from, const ColorInfo& to, double peak_nits, float low, float high) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> value(low, high);
  FloatPicture picture(width, height);
  Tensor ours(DType::f32, {1, 3, height, width});
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        ours.as<float>()[(p * height + y) * width + x] = picture.at(p, x, y) = value(random);
  FloatPicture expected = zimg_convert(picture, from, to, peak_nits);
  (**ColorConverter::create(from, to, peak_nits)).run(ours.view());
  double worst = 0;
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const float theirs = expected.at(p, x, y);
        // Beyond the target's range each clips in its own way, and close to black a power's slope has no bound.
        if (theirs <= 0.05f || theirs >= 1) continue;
        worst = std::max(worst, std::abs(double{theirs} - double{ours.as<float>()[(p * height + y) * width + x]}));
      }
  return worst;
}

ColorInfo color(TransferCharacteristic transfer, ColorPrimaries primaries) {
  ColorInfo info;
  info.transfer = transfer;
  info.primaries = primaries;
  return info;
}

// zimg rounds the constants of sRGB's curve differently (1.0550107), hence the tolerance.
TEST(ColorConverterAgainstZimg, Sdr) {
  const ColorInfo to = color(bt709, Colors::bt709);
  for (TransferCharacteristic transfer :
       {bt709, smpte170m, smpte240m, bt2020_10, bt2020_12, gamma22, gamma28, srgb, linear})
    for (ColorPrimaries primaries : {Colors::bt709, Colors::bt470bg, Colors::smpte170m, Colors::smpte240m,
                                     Colors::bt2020, Colors::dci_p3, Colors::display_p3}) {
      const ColorInfo from = color(transfer, primaries);
      if (!ColorConverter::create(from, to)->has_value()) continue;
      EXPECT_LT(difference(from, to, 100, 0.05f, 0.95f), transfer == srgb ? 2e-4 : 3e-6)
          << static_cast<int>(transfer) << ", " << static_cast<int>(primaries);
    }
}

TEST(ColorConverterAgainstZimg, EncodingCurves) {
  for (TransferCharacteristic transfer : {gamma22, gamma28, srgb, linear, smpte240m})
    EXPECT_LT(difference(color(bt709, Colors::bt2020), color(transfer, Colors::bt709), 100, 0.05f, 0.95f), 2e-4)
        << static_cast<int>(transfer);
}

// zimg has one HLG display, of 1000 cd/m2. Below 0.75 no PQ light is beyond its peak.
TEST(ColorConverterAgainstZimg, PqAndHlg) {
  const ColorInfo in_pq = color(pq, Colors::bt2020), in_hlg = color(hlg, Colors::bt2020);
  EXPECT_LT(difference(in_pq, in_hlg, 1000, 0.05f, 0.75f), 2e-5);
  EXPECT_LT(difference(in_hlg, in_pq, 1000, 0.05f, 0.95f), 2e-5);
}

}  // namespace
}  // namespace framelift
