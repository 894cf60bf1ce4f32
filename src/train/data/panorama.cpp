#include "train/data/panorama.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace framelift {
namespace {

constexpr double pi = std::numbers::pi;
double radians(double degrees) { return degrees * pi / 180; }

struct Direction {
  double x, y, z;  // right, up, forward
};

// Adds the panorama's R, G and B at a place given in pixels, centres at n + 1/2.
void add_sample(const Tensor& panorama, double at_x, double at_y, double (&rgb)[3]) {
  const int64_t height = panorama.shape()[2], width = panorama.shape()[3];
  const double x = at_x - 0.5, y = std::clamp(at_y - 0.5, 0.0, static_cast<double>(height - 1));
  const double left = std::floor(x);
  const double weight_x = x - left;
  const auto top = static_cast<int64_t>(y);
  const double weight_y = y - static_cast<double>(top);
  const auto around = [&](int64_t column) { return ((column % width) + width) % width; };
  const int64_t x0 = around(static_cast<int64_t>(left)), x1 = around(static_cast<int64_t>(left) + 1);
  const int64_t y1 = std::min(top + 1, height - 1);
  for (int64_t c = 0; c < 3; ++c) {
    const float* plane = panorama.as<float>() + c * height * width;
    const double above = plane[top * width + x0] * (1 - weight_x) + plane[top * width + x1] * weight_x;
    const double below = plane[y1 * width + x0] * (1 - weight_x) + plane[y1 * width + x1] * weight_x;
    rgb[c] += above * (1 - weight_y) + below * weight_y;
  }
}

}  // namespace

Tensor view_panorama(const Tensor& panorama, const PanoramaView& view, int side) {
  const auto height = static_cast<double>(panorama.shape()[2]), width = static_cast<double>(panorama.shape()[3]);
  const double half = std::tan(radians(view.field_of_view_degrees) / 2);
  const double sin_pitch = std::sin(radians(view.pitch_degrees)), cos_pitch = std::cos(radians(view.pitch_degrees));
  // Panorama pixels under a pixel in the middle of the view, where its pixels are largest.
  const double pixels = 2 * half / side * height / pi;
  const int samples = std::clamp(static_cast<int>(std::ceil(pixels - 1e-9)), 1, 4);

  Tensor out(DType::f32, {1, 3, side, side});
  const int64_t plane = static_cast<int64_t>(side) * side;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      double rgb[3] = {};
      for (int s = 0; s < samples * samples; ++s) {
        const int column = s % samples, row = s / samples;
        const double u = (x + (column + 0.5) / samples) / side * 2 - 1;
        const double v = 1 - (y + (row + 0.5) / samples) / side * 2;
        const Direction camera{u * half, v * half, 1};
        // Pitched about the x axis; yaw only adds to the longitude.
        const Direction d{camera.x, camera.y * cos_pitch + camera.z * sin_pitch,
                          camera.z * cos_pitch - camera.y * sin_pitch};
        const double longitude = std::atan2(d.x, d.z) + radians(view.yaw_degrees);
        const double latitude = std::atan2(d.y, std::hypot(d.x, d.z));
        add_sample(panorama, (longitude / (2 * pi) + 0.5) * width, (0.5 - latitude / pi) * height, rgb);
      }
      for (int64_t c = 0; c < 3; ++c)
        out.as<float>()[c * plane + static_cast<int64_t>(y) * side + x] =
            static_cast<float>(rgb[c] / (samples * samples));
    }
  return out;
}

}  // namespace framelift
