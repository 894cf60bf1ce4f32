#include "pipeline/input_pictures.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "color/resolve.h"
#include "preprocess/pixel_test_support.h"

namespace framelift {
namespace {

struct Case {
  PixelFormat format;
  int width, height, to_width, to_height;
  Region region;  // of what the network sees
  Bars bars;
  EyeLayout eyes = EyeLayout::one;
  int wrap = 0;
  TransferCharacteristic wanted = TransferCharacteristic::unspecified;
  ResizeFilter filter = ResizeFilter::lanczos;
};

// In one pass and in two: the same values to the last bit.
void compare(const Case& c) {
  SCOPED_TRACE(to_string(c.format) + " " + std::to_string(c.width) + "x" + std::to_string(c.height));
  VideoInfo input;
  input.width = c.width;
  input.height = c.height;
  input.format = c.format;
  JobPlan plan;
  plan.input_color = resolve_color({}, c.width, c.height, c.format.family == ColorFamily::rgb);
  plan.picture = {0, 0, c.to_width, c.to_height};
  plan.resize_input = true;
  plan.input_filter = c.filter;
  plan.eyes = c.eyes;
  plan.wrap = c.wrap;
  std::mt19937 random(7);
  const Frame frame = make_frame(c.format, c.width, c.height);
  if (c.format.is_float()) {
    for (int p = 0; p < c.format.plane_count(); ++p)
      for (int y = 0; y < c.height; ++y)
        for (int x = 0; x < c.width; ++x) {
          const float value = static_cast<float>(random() % 3000) * 0.001f - 0.5f;
          std::memcpy(frame.planes[static_cast<size_t>(p)].row<std::byte>(y) + ptrdiff_t{x} * 4, &value, 4);
        }
  } else {
    fill_random(frame, random);
  }
  std::optional<ColorConverter> convert;
  if (c.wanted != TransferCharacteristic::unspecified) {
    ColorInfo wanted = plan.input_color;
    wanted.transfer = c.wanted;
    convert = ColorConverter::create(plan.input_color, wanted).value();
    ASSERT_TRUE(convert);
  }
  const PictureReader reader(FrameToTensor::create(picture_layout(plan, input).format, plan.input_color).value(),
                             convert, true, c.bars);
  InputPictures pictures = InputPictures::create(plan, input).value();
  ASSERT_TRUE(pictures.resizes());
  const auto count = static_cast<int64_t>(pictures.run(frame)->size());
  Tensor one = Tensor::filled({count, 3, c.region.height, c.region.width}, -7), two = one.clone();
  const auto resized = pictures.run(frame);
  for (int64_t i = 0; i < count; ++i) reader.run((*resized)[static_cast<size_t>(i)], c.region, two.view().item(i));
  ASSERT_TRUE(pictures.read(frame, reader, c.region, one.view()));
  EXPECT_EQ(std::memcmp(one.data(), two.data(), one.bytes()), 0);
  EXPECT_EQ(std::ranges::count(one.f32(), -7.0f), 0);
}

TEST(InputPictures, OnePassEqualsTwo) {
  const PixelFormat yuv420{ColorFamily::yuv, 8, 1, 1, false}, yuv422_10{ColorFamily::yuv, 10, 1, 0, false};
  const PixelFormat rgba{ColorFamily::rgb, 8, 0, 0, true}, gray{ColorFamily::gray, 16, 0, 0, false};
  const PixelFormat light{ColorFamily::rgb, 32, 0, 0, false};
  const Region plain{0, 0, 50, 40};
  for (const PixelFormat& format : {yuv420, yuv422_10, rgba, gray, light}) {
    compare({format, 133, 91, 50, 40, plain, {}});
    compare({format, 20, 14, 50, 40, plain, {}});
  }
  // Wider than what is filtered at a time.
  compare({yuv420, 3001, 40, 2501, 30, {0, 0, 2501, 30}, {}});
  // Completed to an alignment on all sides, by more than the picture is large; and bars.
  compare({yuv420, 133, 91, 50, 40, {-3, -2, 64, 48}, {}});
  compare({yuv420, 133, 91, 5, 4, {-8, -8, 24, 24}, {}});
  compare({yuv420, 133, 91, 50, 40, {-10, 0, 70, 42}, {true, false}});
  compare({rgba, 91, 133, 40, 50, {0, -7, 41, 64}, {false, true}});
  // Two eyes, each with what is at its other side; other colours.
  compare({yuv420, 240, 90, 52, 40, {0, 0, 52, 40}, {}, EyeLayout::side_by_side, 8});
  compare({yuv420, 133, 92, 50, 40, plain, {}, EyeLayout::top_bottom});
  compare({yuv420, 133, 91, 50, 40, plain, {}, EyeLayout::one, 0, TransferCharacteristic::linear});
  compare({.format = yuv420,
           .width = 133,
           .height = 91,
           .to_width = 50,
           .to_height = 40,
           .region = plain,
           .bars = {},
           .filter = ResizeFilter::bilinear});
}

}  // namespace
}  // namespace framelift
