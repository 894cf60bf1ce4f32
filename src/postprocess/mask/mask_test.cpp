#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "postprocess/mask/box_filter.h"
#include "postprocess/mask/guided_upsampler.h"
#include "postprocess/mask/legend.h"
#include "postprocess/mask/probabilities.h"
#include "postprocess/mask/probability_smoother.h"

namespace framelift {
namespace {

size_t index_of(int i) { return static_cast<size_t>(i); }

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

// Two classes of one pixel; each frame is added, and taken as soon as that is possible.
std::vector<float> smoothed(float strength, int lookahead, const std::vector<float>& second, int cut = 0) {
  ProbabilitySmoother smoother({1, 2, 1, 1}, strength, lookahead);
  std::vector<float> result;
  Tensor out(DType::f32, {1, 2, 1, 1});
  const auto take = [&](bool ended) {
    while (smoother.ready(ended)) {
      smoother.take(out.view());
      EXPECT_NEAR(out.f32()[0] + out.f32()[1], 1, 1e-6);
      result.push_back(out.f32()[1]);
    }
  };
  for (size_t i = 0; i < second.size(); ++i) {
    if (second[i] < 0) {
      smoother.add_unseen();
    } else {
      const TensorView p = smoother.add(i == 0 || static_cast<int>(i) == cut);
      p.f32()[0] = 1 - second[i];
      p.f32()[1] = second[i];
    }
    take(false);
    EXPECT_EQ(static_cast<int>(i + 1 - result.size()), std::min(static_cast<int>(i) + 1, lookahead));
  }
  take(true);
  return result;
}

TEST(ProbabilitySmoother, KeepsWhatIsSureAndSteadiesWhatIsNot) {
  EXPECT_EQ(smoothed(0.8f, 0, {0, 1, 0}), (std::vector<float>{0, 1, 0})) << "a sure change is not delayed";
  const std::vector<float> two = smoothed(0.8f, 0, {0.6f, 0.4f});
  EXPECT_FLOAT_EQ(two[0], 0.6f) << "the first frame is as it is";
  // 0.4 is undecided to 2 * (1 - 0.6) = 0.8, of which the past has 0.8.
  EXPECT_NEAR(two[1], 0.64 * 0.6 + 0.36 * 0.4, 1e-6);
  EXPECT_FLOAT_EQ(smoothed(0.8f, 0, {1, 0.5f}, 1)[1], 0.5f) << "a cut has no past";
}

TEST(ProbabilitySmoother, LooksBothWaysAlike) {
  // The same frames backwards come to the same, backwards: nothing lags. Two frames ahead reach everywhere in three.
  const std::vector<float> forwards = smoothed(0.7f, 2, {0.9f, 0.55f, 0.2f});
  std::vector<float> backwards = smoothed(0.7f, 2, {0.2f, 0.55f, 0.9f});
  std::ranges::reverse(backwards);
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(forwards[i], backwards[i], 1e-6) << i;
  // 0.5 is undecided wholly: half of it, the strength, comes from the sure frames beside it.
  EXPECT_NEAR(smoothed(0.5f, 1, {1, 0.5f, 0})[1], 0.5, 1e-6);
  EXPECT_NEAR(smoothed(0.5f, 0, {1, 0.5f, 0})[1], 0.75, 1e-6) << "without looking ahead it lags";
  EXPECT_FLOAT_EQ(smoothed(0.5f, 3, {0.5f, 1, 1, 1}, 1)[0], 0.5f) << "nothing comes from beyond a cut";
}

TEST(ProbabilitySmoother, UnseenFramesLieBetweenTheirNeighbours) {
  const std::vector<float> held = smoothed(0, 0, {0.8f, -1, -1, 0.2f});
  EXPECT_EQ(held, (std::vector<float>{0.8f, 0.8f, 0.8f, 0.2f}));
  const std::vector<float> between = smoothed(0, 3, {0.8f, -1, -1, 0.2f, -1});
  for (const auto& [i, wanted] : {std::pair{0, 0.8}, {1, 0.6}, {2, 0.4}, {3, 0.2}, {4, 0.2}})
    EXPECT_NEAR(between[static_cast<size_t>(i)], wanted, 1e-6) << i;
  EXPECT_FLOAT_EQ(smoothed(0, 3, {0.8f, -1, 0.2f}, 2)[1], 0.8f) << "nothing comes from beyond a cut";
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
  for (const auto& [height, width, radius] :
       {std::array{7, 11, 2}, {3, 5, 9}, {1, 8, 1}, {6, 1, 3}, {40, 70, 4}, {9, 50, 21}}) {
    const Tensor src = random_plane(1, height, width, 3);
    std::vector<float> dst(src.f32().size());
    BoxFilter(height, width, radius).run(src.as<float>(), dst.data(), radius);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        double sum = 0;
        int count = 0;
        for (int v = std::max(y - radius, 0); v <= std::min(y + radius, height - 1); ++v)
          for (int u = std::max(x - radius, 0); u <= std::min(x + radius, width - 1); ++u, ++count)
            sum += src.f32()[index_of(v * width + u)];
        // Two roundings to float32 of numbers below 1.
        EXPECT_NEAR(dst[index_of(y * width + x)], sum / count, 2e-6) << y << ' ' << x;
      }
  }
}

TEST(GuidedUpsampler, WithoutAGuideIsBilinear) {
  // Twice the size: three quarters of the nearest sample and a quarter of the next.
  const std::vector<float> plane{0, 1, 0.5f, 0.25f};
  Tensor out(DType::f32, {1, 1, 2, 4});
  GuidedUpsampler upsampler(2, 2, 2, 4, 0, 1e-3f);
  upsampler.run(plane.data(), {}, out.view());
  const std::vector<float> wanted{0, 0.25f, 0.75f, 1, 0.5f, 0.4375f, 0.3125f, 0.25f};
  for (size_t i = 0; i < 8; ++i) EXPECT_FLOAT_EQ(out.f32()[i], wanted[i]) << i;
}

TEST(GuidedUpsampler, AConstantPlaneStaysWhateverTheGuide) {
  Tensor guide = random_plane(3, 40, 60, 5), out(DType::f32, {1, 1, 40, 60});
  guide.f32()[7] = std::nanf("");
  guide.f32()[8] = 1e30f;
  const std::vector<float> quarter(150, 0.25f);
  GuidedUpsampler upsampler(10, 15, 40, 60, 2, 1e-3f);
  upsampler.set_guide(whole_guide(guide.view()));
  upsampler.run(quarter.data(), {}, out.view());
  for (float v : out.f32()) ASSERT_NEAR(v, 0.25f, 1e-5);
  const Tensor plane = random_plane(1, 10, 15, 6), flat = Tensor::filled({1, 3, 40, 60}, 0.5f);
  Tensor even = flat.clone();
  upsampler.set_guide(whole_guide(even.view()));
  upsampler.run(plane.as<float>(), {}, out.view());
  for (float v : out.f32()) ASSERT_TRUE(v >= 0 && v <= 1);
}

TEST(GuidedUpsampler, EdgesComeFromTheGuide) {
  // The picture's edge is at column 37 of 80; the small mask, an eighth of the size, puts it at 40. It is an edge of
  // brightness, and then one of colour alone: orange and gray of the same luma.
  using Color = std::array<float, 3>;
  for (const auto& [left, right] :
       {std::pair<Color, Color>{{0.1f, 0.1f, 0.1f}, {0.9f, 0.9f, 0.9f}}, {{0.6f, 0.6f, 0.6f}, {0.95f, 0.54f, 0.16f}}}) {
    Tensor guide(DType::f32, {1, 3, 80, 80}), out(DType::f32, {1, 1, 80, 80});
    for (size_t i = 0; i < guide.f32().size(); ++i) guide.f32()[i] = (i % 80 < 37 ? left : right)[i / 6400];
    std::vector<float> mask(100);
    for (size_t i = 0; i < mask.size(); ++i) mask[i] = i % 10 < 5 ? 0.0f : 1.0f;
    const auto wrong = [&](int radius) {
      GuidedUpsampler upsampler(10, 10, 80, 80, radius, 1e-3f);
      upsampler.set_guide(whole_guide(guide.view()));
      upsampler.run(mask.data(), {}, out.view());
      double sum = 0;
      for (size_t i = 0; i < out.f32().size(); ++i) sum += std::abs(out.f32()[i] - (i % 80 < 37 ? 0.0f : 1.0f));
      return sum;
    };
    const double without = wrong(0), with = wrong(2);
    EXPECT_LT(with, 0.7 * without);
    EXPECT_GT(out.f32()[40 * 80 + 37] - out.f32()[40 * 80 + 36], 0.5f) << "a step where the picture has one";
  }
}

// The filter as its authors write it, in double precision, for every pixel; then the edges.
std::vector<double> guided_reference(const Tensor& guide, const Tensor& plane, int radius, double epsilon,
                                     const MatteEdges& edges) {
  const auto H = static_cast<int>(guide.shape()[2]), W = static_cast<int>(guide.shape()[3]);
  const auto h = static_cast<int>(plane.shape()[2]), w = static_cast<int>(plane.shape()[3]);
  const auto at = [&](int c, int y, int x) { return double{guide.f32()[index_of((c * H + y) * W + x)]}; };
  std::vector<std::array<double, 4>> small(index_of(h * w)), fit(small.size()), mean(small.size());
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      auto& s = small[index_of(y * w + x)];
      int count = 0;
      for (int v = y * H / h; v < (y + 1) * H / h; ++v)
        for (int u = x * W / w; u < (x + 1) * W / w; ++u, ++count)
          for (int c = 0; c < 3; ++c) s[static_cast<size_t>(c)] += at(c, v, u);
      for (size_t c = 0; c < 3; ++c) s[c] /= count;
      s[3] = plane.f32()[index_of(y * w + x)];
    }
  const auto window = [&](int y, int x, const auto& visit) {
    for (int v = std::max(y - radius, 0); v <= std::min(y + radius, h - 1); ++v)
      for (int u = std::max(x - radius, 0); u <= std::min(x + radius, w - 1); ++u) visit(index_of(v * w + u));
  };
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      double n = 0, m[4] = {}, p[4][4] = {};
      window(y, x, [&](size_t i) {
        ++n;
        for (size_t c = 0; c < 4; ++c) {
          m[c] += small[i][c];
          for (size_t d = 0; d < 4; ++d) p[c][d] += small[i][c] * small[i][d];
        }
      });
      // Gaussian elimination of (covariance + epsilon) a = covariance with the plane.
      double e[3][4];
      for (int c = 0; c < 3; ++c)
        for (int d = 0; d < 4; ++d) e[c][d] = p[c][d] / n - m[c] * m[d] / n / n + (c == d ? epsilon : 0);
      for (int c = 0; c < 3; ++c)
        for (int row = 0; row < 3; ++row) {
          const double factor = row == c ? 0 : e[row][c] / e[c][c];
          for (int d = 0; d < 4; ++d) e[row][d] -= factor * e[c][d];
        }
      auto& f = fit[index_of(y * w + x)];
      f[3] = m[3] / n;
      for (size_t c = 0; c < 3; ++c) f[3] -= (f[c] = e[c][3] / e[c][c]) * m[c] / n;
    }
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      double n = 0;
      auto& sum = mean[index_of(y * w + x)];
      window(y, x, [&](size_t i) {
        ++n;
        for (size_t c = 0; c < 4; ++c) sum[c] += fit[i][c];
      });
      for (double& v : sum) v /= n;
    }
  std::vector<double> out;
  for (int y = 0; y < H; ++y)
    for (int x = 0; x < W; ++x) {
      const double sy = std::clamp((y + 0.5) * h / H - 0.5, 0.0, h - 1.0),
                   sx = std::clamp((x + 0.5) * w / W - 0.5, 0.0, w - 1.0);
      const int y0 = static_cast<int>(sy), x0 = static_cast<int>(sx);
      const int y1 = std::min(y0 + 1, h - 1), x1 = std::min(x0 + 1, w - 1);
      const auto value = [&](size_t c) {
        const auto f = [&](int v, int u) { return mean[index_of(v * w + u)][c]; };
        return (f(y0, x0) * (x0 + 1 - sx) + f(y0, x1) * (sx - x0)) * (y0 + 1 - sy) +
               (f(y1, x0) * (x0 + 1 - sx) + f(y1, x1) * (sx - x0)) * (sy - y0);
      };
      double v = value(3);
      for (int c = 0; c < 3; ++c) v += value(static_cast<size_t>(c)) * at(c, y, x);
      out.push_back(edges.hard ? double(v >= 0.5) : std::clamp((v - 0.5) * edges.contrast + 0.5, 0.0, 1.0));
    }
  return out;
}

TEST(GuidedUpsampler, EqualsTheFilterAsItIsDefined) {
  // A blob in a picture of soft noise: sure inside and outside, not at its edge. Sizes that divide and that do not.
  for (const auto& [h, w, H, W] : {std::array{24, 30, 72, 90}, {24, 37, 55, 101}, {20, 20, 20, 20}}) {
    Tensor guide = random_plane(3, H, W, 4), plane(DType::f32, {1, 1, h, w});
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x) {
        const double distance = std::hypot(y - 0.5 * h, x - 0.5 * w);
        plane.f32()[index_of(y * w + x)] = static_cast<float>(std::clamp((9 - distance) / 2 + 0.5, 0.0, 1.0));
      }
    GuidedUpsampler upsampler(h, w, H, W, 2, 1e-2f);
    int asked = 0;
    upsampler.set_guide([&, all = whole_guide(guide.view())](const Region& part) {
      EXPECT_LE(part.height, upsampler.guide_rows());
      asked += part.height * part.width;
      return all(part);
    });
    asked = 0;
    Tensor out(DType::f32, {1, 1, H, W});
    for (const MatteEdges& edges : {MatteEdges{}, MatteEdges{false, 3.0f}}) {
      upsampler.run(plane.as<float>(), edges, out.view());
      const std::vector<double> wanted = guided_reference(guide, plane, 2, 1e-2, edges);
      for (size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(out.f32()[i], wanted[i], 2e-5) << i;
    }
    asked = 0;
    upsampler.run(plane.as<float>(), {true, 1}, out.view());
    const std::vector<double> wanted = guided_reference(guide, plane, 2, 1e-2, {true, 1});
    size_t different = 0;
    for (size_t i = 0; i < wanted.size(); ++i) different += out.f32()[i] != static_cast<float>(wanted[i]);
    EXPECT_LE(different, 1u) << "one half itself may fall on either side";
    EXPECT_LT(asked, H * W * 2 / 3) << "the guide is read where it matters";
    EXPECT_GT(asked, 0);
  }
}

TEST(Legend, IsDrawnInsideAndOnlyWhereThereIsRoom) {
  const ClassLabel person{"person", {192, 128, 128}}, other{"class 7", {1, 2, 3}};
  const std::vector<const ClassLabel*> labels{&person, &other};
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
