#include "train/data/panorama.h"

#include <cmath>
#include <numbers>

#include "train/data/picture_for_test.h"

namespace framelift {
namespace {

constexpr double degree = std::numbers::pi / 180;

struct Vec {
  double x = 0, y = 0, z = 0;
};
Vec operator+(Vec a, Vec b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
Vec operator*(double s, Vec a) { return {s * a.x, s * a.y, s * a.z}; }
double dot(Vec a, Vec b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

// Every pixel holds the direction that it shows.
Tensor direction_panorama(int height) {
  const int64_t h = height, w = 2 * h;
  Tensor t(DType::f32, {1, 3, h, w});
  for (int64_t y = 0; y < h; ++y)
    for (int64_t x = 0; x < w; ++x) {
      const double longitude = ((static_cast<double>(x) + 0.5) / static_cast<double>(w) - 0.5) * 360 * degree;
      const double latitude = (0.5 - (static_cast<double>(y) + 0.5) / static_cast<double>(h)) * 180 * degree;
      float* p = t.as<float>() + y * w + x;
      p[0] = static_cast<float>(std::cos(latitude) * std::sin(longitude));
      p[h * w] = static_cast<float>(std::sin(latitude));
      p[2 * h * w] = static_cast<float>(std::cos(latitude) * std::cos(longitude));
    }
  return t;
}

// A camera written as three axes instead of angles.
TEST(Panorama, ViewsShowTheDirectionsOfAPinholeCamera) {
  const Tensor panorama = direction_panorama(512);
  constexpr int side = 64;
  for (const PanoramaView& view : {PanoramaView{0, 0, 60}, {90, 0, 45}, {180, 20, 90}, {-135, -30, 70}, {33, 45, 50}}) {
    const double yaw = view.yaw_degrees * degree, pitch = view.pitch_degrees * degree;
    const Vec forward{std::cos(pitch) * std::sin(yaw), std::sin(pitch), std::cos(pitch) * std::cos(yaw)};
    const Vec right{std::cos(yaw), 0, -std::sin(yaw)};
    const Vec up{-std::sin(pitch) * std::sin(yaw), std::cos(pitch), -std::sin(pitch) * std::cos(yaw)};
    const double half = std::tan(view.field_of_view_degrees / 2 * degree);
    const Tensor out = view_panorama(panorama, view, side);
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) {
        const double u = ((x + 0.5) / side * 2 - 1) * half, v = (1 - (y + 0.5) / side * 2) * half;
        Vec expected = forward + u * right + v * up;
        expected = 1 / std::sqrt(dot(expected, expected)) * expected;
        const float* p = out.as<float>() + y * side + x;
        const Vec seen{p[0], p[side * side], p[2 * side * side]};
        // Averaging over a pixel of 1/20 to 1/80 radian shortens and turns a direction by that squared / 12 or less.
        ASSERT_NEAR(seen.x, expected.x, 3e-4) << view.yaw_degrees << " at " << x << "," << y;
        ASSERT_NEAR(seen.y, expected.y, 3e-4);
        ASSERT_NEAR(seen.z, expected.z, 3e-4);
      }
  }
}

TEST(Panorama, AveragesWhereItReduces) {
  constexpr int64_t h = 256, w = 512;
  Tensor checkers(DType::f32, {1, 3, h, w});
  for (int64_t i = 0; i < checkers.elements(); ++i) checkers.as<float>()[i] = static_cast<float>((i + i / w) % 2);
  // 64 pixels for 90 degrees: 4 of the panorama's 128 there for each pair.
  const Tensor out = view_panorama(checkers, {10, 5, 90}, 32);
  double sum = 0, squares = 0;
  for (const float v : out.f32()) {
    sum += v;
    squares += (v - 0.5) * (v - 0.5);
  }
  const auto n = static_cast<double>(out.elements());
  EXPECT_NEAR(sum / n, 0.5, 0.02);
  EXPECT_LT(std::sqrt(squares / n), 0.2);  // points alone would give 0.3 or more (interpolated checkers)
}

TEST(Panorama, FlatLightStaysFlatUpToThePoles) {
  const Tensor panorama = Tensor::filled({1, 3, 4, 8}, 0.75f);
  for (const double pitch : {-90.0, 0.0, 90.0}) {
    const Tensor out = view_panorama(panorama, {200, pitch, 120}, 16);
    for (const float v : out.f32()) ASSERT_NEAR(v, 0.75f, 1e-6);
  }
}

TEST(Panorama, IsKnownByItsShape) {
  EXPECT_TRUE(has_panorama_shape(2048, 1024));
  EXPECT_FALSE(has_panorama_shape(2048, 1025));
  EXPECT_FALSE(has_panorama_shape(2, 1));
}

}  // namespace
}  // namespace framelift
