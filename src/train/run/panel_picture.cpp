#include "train/run/panel_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace framelift {
namespace {

constexpr int widest_panel = 480, gap = 4, label_height = 18;
constexpr PixelFormat format{ColorFamily::rgb, 8, 0, 0, false};

// The letters of the labels, 5x7 pixels; the highest of 5 bits is the leftmost pixel.
struct Letter {
  char name;
  std::array<uint8_t, 7> rows;
};
constexpr std::array letters{
    Letter{'D', {0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110}},
    Letter{'E', {0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111}},
    Letter{'G', {0b01110, 0b10001, 0b10000, 0b10111, 0b10001, 0b10001, 0b01110}},
    Letter{'I', {0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110}},
    Letter{'N', {0b10001, 0b11001, 0b10101, 0b10011, 0b10001, 0b10001, 0b10001}},
    Letter{'P', {0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000}},
    Letter{'R', {0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001}},
    Letter{'T', {0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100}},
    Letter{'U', {0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110}},
};

void fill(const Frame& frame, uint8_t value) {
  for (size_t p = 0; p < 3; ++p)
    for (int y = 0; y < frame.height; ++y) std::fill_n(frame.planes[p].row<uint8_t>(y), frame.width, value);
}

// White, twice the size, cut off at the right edge of the frame.
void write_label(const Frame& frame, int x, int y, std::string_view text) {
  for (const char c : text) {
    const auto letter = std::ranges::find(letters, c, &Letter::name);
    for (int row = 0; row < 14; ++row)
      for (int column = 0; column < 10; ++column) {
        const bool ink = (letter->rows[static_cast<size_t>(row / 2)] >> (4 - column / 2) & 1) != 0;
        if (!ink || x + column >= frame.width) continue;
        for (size_t p = 0; p < 3; ++p) frame.planes[p].row<uint8_t>(y + row)[x + column] = 255;
      }
    x += 12;
  }
}

struct Panels {
  int width = 0, height = 0;  // of the target
  int factor = 1;
  bool linear_light = false;
  float largest = 1;

  double shown(double value) const {
    if (!(value > 0)) return 0;  // NaN too
    return std::min(linear_light ? std::log1p(value) / std::log1p(static_cast<double>(largest)) : value, 1.0);
  }
  // Means of squares of factor x factor pixels.
  void draw(const Tensor& picture, const Frame& frame, int left) const {
    const int64_t picture_height = picture.shape()[2], picture_width = picture.shape()[3];
    for (int64_t c = 0; c < 3; ++c)
      for (int y = 0; y < height / factor; ++y)
        for (int x = 0; x < width / factor; ++x) {
          double sum = 0;
          for (int j = 0; j < factor; ++j)
            for (int i = 0; i < factor; ++i) {
              const int64_t row = int64_t{y * factor + j} * picture_height / height;
              const int64_t column = int64_t{x * factor + i} * picture_width / width;
              sum +=
                  shown(static_cast<double>(picture.as<float>()[(c * picture_height + row) * picture_width + column]));
            }
          frame.planes[static_cast<size_t>(c)].row<uint8_t>(label_height + y)[left + x] =
              static_cast<uint8_t>(sum / (factor * factor) * 255 + 0.5);
        }
  }
};

}  // namespace

Result<Frame> panel_picture(const Tensor& input, const Tensor& prediction, const Tensor& target, bool linear_light) {
  Panels panels{static_cast<int>(target.shape()[3]), static_cast<int>(target.shape()[2]), 1, linear_light, 1};
  panels.factor = (panels.width + widest_panel - 1) / widest_panel;
  if (panels.height < panels.factor) panels.factor = 1;  // a strip
  panels.largest = std::max(*std::ranges::max_element(target.f32()), 1e-6f);
  const int step = panels.width / panels.factor + gap;
  FL_TRY(Frame frame, FramePool(3 * step - gap, label_height + panels.height / panels.factor, format, 1).acquire());
  fill(frame, 32);
  int left = 0;
  for (const auto& [label, picture] :
       {std::pair("INPUT", &input), std::pair("PRED", &prediction), std::pair("GT", &target)}) {
    panels.draw(*picture, frame, left);
    write_label(frame, left + 3, 2, label);
    left += step;
  }
  return frame;
}

}  // namespace framelift
