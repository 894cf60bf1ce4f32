#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "postprocess/mask/box_filter.h"
#include "postprocess/mask/guided_upsampler.h"
#include "postprocess/mask/legend.h"
#include "postprocess/mask/probabilities.h"

namespace framelift {
namespace {

Tensor random_plane(int planes, int height, int width, uint32_t seed) {
  std::mt19937 engine(seed);
  Tensor tensor(DType::f32, {1, planes, height, width});
  for (float& v : tensor.f32()) v = static_cast<float>(engine() >> 8) * 0x1p-24f;
  return tensor;
}

// Two planes from the probability of the second.
Tensor two_classes(const Shape& shape, const std::vector<float>& second) {
  Tensor tensor(DType::f32, {1, 2, shape[0], shape[1]});
  for (size_t i = 0; i < second.size(); ++i) {
    tensor.f32()[i] = 1 - second[i];
    tensor.f32()[second.size() + i] = second[i];
  }
  return tensor;
}

TEST(Probabilities, ComeFromScoresOfAPartOfTheOutput) {
  Tensor scores(DType::f32, {1, 3, 2, 3});
  for (size_t i = 0; i < scores.f32().size(); ++i) scores.f32()[i] = static_cast<float>(i);
  Tensor out(DType::f32, {1, 3, 1, 2});
  to_probabilities(scores.view(), OutputKind::scores, {1, 1, 2, 1}, out.view());
  // Scores s, s + 6, s + 12 at every pixel.
  const double sum = 1 + std::exp(-6.0) + std::exp(-12.0);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(out.f32()[4 + i], 1 / sum, 1e-6);
    EXPECT_NEAR(out.f32()[2 + i], std::exp(-6.0) / sum, 1e-6);
  }
  scores.f32()[4] = std::nanf("");
  to_probabilities(scores.view(), OutputKind::scores, {1, 1, 2, 1}, out.view());
  EXPECT_FLOAT_EQ(out.f32()[0], 1.0f / 3);
}

TEST(Probabilities, OfOnePlaneAreTwo) {
  Tensor p = Tensor::from_f32({1, 1, 1, 4}, std::vector<float>{0.25f, 1.5f, -1, std::nanf("")});
  Tensor out(DType::f32, {1, 2, 1, 4});
  to_probabilities(p.view(), OutputKind::probability, {0, 0, 4, 1}, out.view());
  EXPECT_EQ(std::vector<float>(out.f32().begin(), out.f32().end()),
            (std::vector<float>{0.75f, 0, 1, 0.5f, 0.25f, 1, 0, 0.5f}));
}

TEST(ProbabilitySmoother, KeepsWhatIsSureAndSteadiesWhatIsNot) {
  ProbabilitySmoother smoother(0.8f);
  Tensor first = two_classes({1, 2}, {0.0f, 0.6f}), second = two_classes({1, 2}, {1.0f, 0.4f});
  smoother.run(first.view(), true);
  EXPECT_FLOAT_EQ(first.f32()[3], 0.6f) << "the first frame is as it is";
  smoother.run(second.view(), false);
  EXPECT_FLOAT_EQ(second.f32()[2], 1) << "a sure change is not delayed";
  // 0.4 is undecided to 2 * (1 - 0.6) = 0.8, of which the past has 0.8.
  EXPECT_NEAR(second.f32()[3], 0.64 * 0.6 + 0.36 * 0.4, 1e-6);
  Tensor third = two_classes({1, 2}, {0.5f, 0.5f});
  smoother.run(third.view(), true);
  EXPECT_FLOAT_EQ(third.f32()[2], 0.5f) << "a cut has no past";
}

TEST(RegionCleaner, FillsHolesAndRemovesSpecks) {
  // A block with a hole of one pixel, a speck of two, and a region of four that stays.
  const std::vector<float> before{1, 1, 1, 0, 0, 0,  //
                                  1, 0, 1, 0, 1, 1,  //
                                  1, 1, 1, 0, 0, 0,  //
                                  0, 0, 0, 0, 0, 0,  //
                                  0, 0, 0, 0, 1, 1,  //
                                  0, 0, 0, 0, 1, 1};
  std::vector<float> after = before;
  after[7] = 1;
  after[10] = after[11] = 0;
  Tensor p = two_classes({6, 6}, before);
  RegionCleaner(3).run(p.view());
  for (size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(p.f32()[36 + i], after[i]) << i;
    EXPECT_EQ(p.f32()[i], 1 - after[i]) << i;
  }
  Tensor one = two_classes({1, 2}, {1, 1});
  RegionCleaner(100).run(one.view());
  EXPECT_EQ(one.f32()[2], 1) << "the whole picture has no other class";
}

TEST(BoxFilter, EqualsTheMeanOfEveryWindow) {
  for (const auto& [height, width, radius] : {std::array{7, 11, 2}, {3, 5, 9}, {1, 8, 1}, {6, 1, 3}}) {
    const Tensor src = random_plane(1, height, width, 3);
    std::vector<float> dst(src.f32().size());
    BoxFilter(height, width).run(src.as<float>(), dst.data(), radius);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        double sum = 0;
        int count = 0;
        for (int v = std::max(y - radius, 0); v <= std::min(y + radius, height - 1); ++v)
          for (int u = std::max(x - radius, 0); u <= std::min(x + radius, width - 1); ++u, ++count)
            sum += src.f32()[static_cast<size_t>(v * width + u)];
        // Two roundings to float32 of numbers below 1.
        EXPECT_NEAR(dst[static_cast<size_t>(y * width + x)], sum / count, 2e-6);
      }
  }
}

TEST(GuidedUpsampler, AFlatGuideOrPlaneAddsNothing) {
  Tensor flat = Tensor::filled({1, 1, 40, 60}, 0.5f), out(DType::f32, {1, 1, 40, 60});
  const std::vector<float> half(150, 0.25f);
  GuidedUpsampler upsampler(10, 15, 40, 60, 2, 1e-3f);
  Tensor busy = random_plane(1, 40, 60, 5);
  upsampler.set_guide(busy.view());
  upsampler.run(half.data(), out.view());
  for (float v : out.f32()) ASSERT_NEAR(v, 0.25f, 1e-5) << "a constant plane stays, whatever the guide";
  const Tensor plane = random_plane(1, 10, 15, 6);
  upsampler.set_guide(flat.view());
  upsampler.run(plane.as<float>(), out.view());
  for (float v : out.f32()) ASSERT_TRUE(v >= 0 && v <= 1);
}

TEST(GuidedUpsampler, EdgesComeFromTheGuide) {
  // The picture's edge is at column 37 of 80; the small mask, an eighth of the size, puts it at 40.
  Tensor guide(DType::f32, {1, 1, 80, 80}), refined(DType::f32, {1, 1, 80, 80}), plain(DType::f32, {1, 1, 80, 80});
  for (size_t i = 0; i < guide.f32().size(); ++i) guide.f32()[i] = i % 80 < 37 ? 0.1f : 0.9f;
  std::vector<float> mask(100);
  for (size_t i = 0; i < mask.size(); ++i) mask[i] = i % 10 < 5 ? 0.0f : 1.0f;
  const auto wrong = [&](const GuidedUpsampler& made, Tensor& out) {
    GuidedUpsampler upsampler = made;
    upsampler.set_guide(guide.view());
    upsampler.run(mask.data(), out.view());
    double sum = 0;
    for (size_t i = 0; i < out.f32().size(); ++i) sum += std::abs(out.f32()[i] - (i % 80 < 37 ? 0.0f : 1.0f));
    return sum;
  };
  const double with = wrong({10, 10, 80, 80, 2, 1e-3f}, refined), without = wrong({10, 10, 80, 80, 0, 1e-3f}, plain);
  EXPECT_LT(with, 0.7 * without);
  EXPECT_GT(refined.f32()[40 * 80 + 37] - refined.f32()[40 * 80 + 36], 0.5f) << "a step where the picture has one";
}

TEST(Legend, IsDrawnInsideAndOnlyWhereThereIsRoom) {
  const std::vector<ClassLabel> labels{{"person", {192, 128, 128}}, {"class 7", {1, 2, 3}}};
  Tensor picture = Tensor::filled({1, 3, 240, 320}, 0.5f);
  draw_legend(picture.view(), labels);
  EXPECT_EQ(picture.f32()[0], 0.5f) << "the upper corner is free";
  EXPECT_EQ(std::ranges::count(picture.f32(), 192 / 255.0f) > 20, true) << "the patch";
  EXPECT_EQ(std::ranges::count(picture.f32(), 1.0f) > 100, true) << "the letters";
  for (const auto& [height, width] : {std::pair{1, 1}, {9, 3}, {30, 2}}) {
    Tensor tiny = Tensor::filled({1, 3, height, width}, 0.5f);
    draw_legend(tiny.view(), labels);
  }
}

}  // namespace
}  // namespace framelift
