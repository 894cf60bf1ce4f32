#include "train/data/tile.h"

#include <cmath>
#include <cstring>

#include "train/data/picture_for_test.h"

namespace framelift {
namespace {

using test::random_picture;

struct Tiles {
  Tensor input, target;
};

Tiles tiles_of(const Sample& sample, const TileChoice& choice, int tile) {
  const int k = target_scale(sample).value();
  Tiles tiles{Tensor(DType::f32, {1, 3, tile, tile}), Tensor(DType::f32, {1, 3, tile * k, tile * k})};
  cut_tile(sample, choice, tile, tiles.input.as<float>(), tiles.target.as<float>());
  return tiles;
}

double at(const Tensor& t, int64_t c, int64_t y, int64_t x) {
  return t.as<float>()[(c * t.shape()[2] + y) * t.shape()[3] + x];
}

// The definition, in float64 and one step at a time: the whole picture scaled, padded, mirrored as a whole, cropped.
double scaled_pixel(const Tensor& t, int64_t c, int64_t y, int64_t x, int64_t height, int64_t width) {
  const auto axis = [](int64_t i, int64_t in, int64_t out) {
    const double place = (static_cast<double>(i) + 0.5) * static_cast<double>(in) / static_cast<double>(out) - 0.5;
    return std::min(std::max(place, 0.0), static_cast<double>(in - 1));
  };
  const double py = axis(y, t.shape()[2], height), px = axis(x, t.shape()[3], width);
  double sum = 0;
  for (int64_t sy = 0; sy < t.shape()[2]; ++sy)
    for (int64_t sx = 0; sx < t.shape()[3]; ++sx) {
      const double weight = std::max(0.0, 1 - std::abs(py - static_cast<double>(sy))) *
                            std::max(0.0, 1 - std::abs(px - static_cast<double>(sx)));
      if (weight > 0) sum += weight * at(t, c, sy, sx);
    }
  return sum;
}

// numpy.pad(mode="reflect") and, with the edge repeated, mode="symmetric", walked step by step.
int64_t walk(int64_t i, int64_t size, bool repeat_edge) {
  int64_t position = 0, step = 1;
  for (int64_t n = 0; n < i; ++n) {
    if (position + step < 0 || position + step >= size) {
      step = -step;
      if (repeat_edge || size == 1) continue;
    }
    position += step;
  }
  return position;
}

TEST(Tile, IsTheCropOfTheScaledAndReflectedPicture) {
  RandomStream random{7};
  for (int round = 0; round < 40; ++round) {
    const int k = round % 3 + 1, tile = 3 + static_cast<int>(random.below(14));
    const int height = 1 + static_cast<int>(random.below(20)), width = 1 + static_cast<int>(random.below(20));
    const Sample sample{"s", random_picture(height, width, random.bits()),
                        random_picture(height * k, width * k, random.bits())};
    TileChoice choice{random.uniform(0.5, 1.5), random.uniform(), random.uniform(), random.chance(0.5),
                      random.chance(0.5)};
    const Tiles tiles = tiles_of(sample, choice, tile);
    const int64_t h = std::max(1L, std::lround(height * choice.scale)),
                  w = std::max(1L, std::lround(width * choice.scale));
    const auto x0 = static_cast<int64_t>(choice.x * static_cast<double>(std::max<int64_t>(0, w - tile) + 1));
    const auto y0 = static_cast<int64_t>(choice.y * static_cast<double>(std::max<int64_t>(0, h - tile) + 1));
    const auto compare = [&](const Tensor& got, const Tensor& picture, int64_t scale) {
      const int64_t side = tile * scale;
      for (int64_t c = 0; c < 3; ++c)
        for (int64_t y = 0; y < side; ++y)
          for (int64_t x = 0; x < side; ++x) {
            const int64_t from_y = walk(y0 * scale + (choice.mirror_y ? side - 1 - y : y), h * scale, k > 1);
            const int64_t from_x = walk(x0 * scale + (choice.mirror_x ? side - 1 - x : x), w * scale, k > 1);
            // Weights and sums are rounded to float32: three roundings of values below 1.
            ASSERT_NEAR(at(got, c, y, x), scaled_pixel(picture, c, from_y, from_x, h * scale, w * scale), 1e-6)
                << "round " << round << " at " << x << "," << y;
          }
    };
    compare(tiles.input, sample.input, 1);
    compare(tiles.target, sample.target, k);
  }
}

TEST(Tile, WithoutScalingIsACopy) {
  const Sample sample{"s", random_picture(9, 11, 1), random_picture(9, 11, 2, -5, 50)};
  const Tiles tiles = tiles_of(sample, {1, 0.999, 0, false, false}, 8);  // x0 = 3 of 0..3, y0 = 0
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < 8; ++y)
      for (int64_t x = 0; x < 8; ++x) {
        ASSERT_EQ(at(tiles.input, c, y, x), at(sample.input, c, y, x + 3));
        ASSERT_EQ(at(tiles.target, c, y, x), at(sample.target, c, y, x + 3));
      }
}

// Where input and target hold the same scene, their tiles do: the target averaged over k x k pixels is the input.
TEST(Tile, TargetOfSuperResolutionShowsTheSamePlace) {
  constexpr int k = 2, side = 12;
  Sample sample{"ramp", Tensor(DType::f32, {1, 3, side, side}), Tensor(DType::f32, {1, 3, side * k, side * k})};
  const auto fill = [](Tensor& t, int scale) {
    const int64_t n = t.shape()[3];
    for (int64_t i = 0; i < t.elements(); ++i)
      t.as<float>()[i] = static_cast<float>((static_cast<double>(i % n) + 0.5) / scale +
                                            100 * (static_cast<double>(i / n % n) + 0.5) / scale);
  };
  fill(sample.input, 1);
  fill(sample.target, k);
  for (const int tile : {5, 16}) {  // inside, and beyond the end
    const Tiles tiles = tiles_of(sample, {1, 0.6, 0.3, true, false}, tile);
    for (int64_t y = 0; y < tile; ++y)
      for (int64_t x = 0; x < tile; ++x) {
        double mean = 0;
        for (int64_t i = 0; i < k * k; ++i) mean += at(tiles.target, 0, y * k + i / k, x * k + i % k) / (k * k);
        ASSERT_NEAR(mean, at(tiles.input, 0, y, x), 1e-3);  // float32 of values up to 1200
      }
  }
}

TEST(Tile, RefusesWhatIsNoPair) {
  const auto error = [](Tensor input, Tensor target) {
    const auto scale = target_scale({"the sample", std::move(input), std::move(target)});
    return scale ? "" : scale.error().message;
  };
  EXPECT_EQ(error(random_picture(4, 6, 1), random_picture(8, 12, 1)), "");
  for (const std::string& message :
       {error(random_picture(4, 6, 1), random_picture(4, 5, 1)),
        error(random_picture(4, 6, 1), random_picture(8, 6, 1)),
        error(random_picture(4, 6, 1), random_picture(2, 3, 1)), error({}, random_picture(4, 6, 1)),
        error(random_picture(4, 6, 1), Tensor(DType::f32, {1, 1, 4, 6})),
        error(random_picture(4, 6, 1), Tensor(DType::f16, {1, 3, 4, 6}))})
    EXPECT_NE(message.find("the sample"), std::string::npos) << message;
}

}  // namespace
}  // namespace framelift
