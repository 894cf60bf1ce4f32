#include "postprocess/mask/legend.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace framelift {
namespace {

// Letters of 5 columns and 7 rows, a row a number whose bit 4 is the leftmost pixel: a to z, then 0 to 9.
constexpr int glyph_width = 5, glyph_height = 7;
constexpr uint8_t glyphs[36][glyph_height] = {
    {0, 0, 14, 1, 15, 17, 15},  {16, 16, 22, 25, 17, 17, 30}, {0, 0, 14, 16, 16, 17, 14},
    {1, 1, 13, 19, 17, 17, 15}, {0, 0, 14, 17, 31, 16, 14},   {6, 9, 8, 28, 8, 8, 8},
    {0, 15, 17, 17, 15, 1, 14}, {16, 16, 22, 25, 17, 17, 17}, {4, 0, 12, 4, 4, 4, 14},
    {2, 0, 6, 2, 2, 18, 12},    {16, 16, 18, 20, 24, 20, 18}, {12, 4, 4, 4, 4, 4, 14},
    {0, 0, 26, 21, 21, 17, 17}, {0, 0, 22, 25, 17, 17, 17},   {0, 0, 14, 17, 17, 17, 14},
    {0, 0, 30, 17, 30, 16, 16}, {0, 0, 13, 19, 15, 1, 1},     {0, 0, 22, 25, 16, 16, 16},
    {0, 0, 14, 16, 14, 1, 30},  {8, 8, 28, 8, 8, 9, 6},       {0, 0, 17, 17, 17, 19, 13},
    {0, 0, 17, 17, 17, 10, 4},  {0, 0, 17, 17, 21, 21, 10},   {0, 0, 17, 10, 4, 10, 17},
    {0, 0, 17, 17, 15, 1, 14},  {0, 0, 31, 2, 4, 8, 31},      {14, 17, 19, 21, 25, 17, 14},
    {4, 12, 4, 4, 4, 4, 14},    {14, 17, 1, 2, 4, 8, 31},     {31, 2, 4, 2, 1, 17, 14},
    {2, 6, 10, 18, 31, 2, 2},   {31, 16, 30, 1, 1, 17, 14},   {6, 8, 16, 30, 17, 17, 14},
    {31, 1, 2, 4, 8, 8, 8},     {14, 17, 17, 14, 17, 17, 14}, {14, 17, 17, 15, 1, 2, 12}};

struct Canvas {
  const TensorView& rgb;
  int width() const { return static_cast<int>(rgb.shape[3]); }
  int height() const { return static_cast<int>(rgb.shape[2]); }

  // Mixed with what is there; cut off at the border.
  void fill(int left, int top, int columns, int rows, const std::array<float, 3>& color, float opacity) const {
    const int64_t plane = rgb.shape[2] * rgb.shape[3];
    for (int y = std::max(top, 0); y < std::min(top + rows, height()); ++y)
      for (int x = std::max(left, 0); x < std::min(left + columns, width()); ++x)
        for (size_t c = 0; c < 3; ++c) {
          float& v = rgb.as<float>()[static_cast<int64_t>(c) * plane + int64_t{y} * width() + x];
          v += (color[c] - v) * opacity;
        }
  }

  void write(std::string_view text, int left, int top, int dot) const {
    constexpr std::array white{1.0f, 1.0f, 1.0f};
    for (char letter : text) {
      const bool is_letter = letter >= 'a' && letter <= 'z', is_digit = letter >= '0' && letter <= '9';
      const size_t index = is_letter ? static_cast<size_t>(letter - 'a') : 26 + static_cast<size_t>(letter - '0');
      for (int row = 0; (is_letter || is_digit) && row < glyph_height; ++row)
        for (int column = 0; column < glyph_width; ++column)
          if (glyphs[index][row] >> (glyph_width - 1 - column) & 1)
            fill(left + column * dot, top + row * dot, dot, dot, white, 1);
      left += (glyph_width + 1) * dot;
    }
  }
};

}  // namespace

void draw_legend(const TensorView& rgb, std::span<const ClassLabel* const> labels) {
  const Canvas canvas{rgb};
  const int dot = std::max(canvas.height() / 240, 1);  // a line is a 24th of the picture's height
  const int line = (glyph_height + 3) * dot, margin = 2 * dot;
  size_t longest = 0;
  for (const ClassLabel* label : labels) longest = std::max(longest, label->name.size());
  const int width = 4 * margin + line + static_cast<int>(longest) * (glyph_width + 1) * dot;
  const int room = (canvas.height() - 4 * margin) / line;
  const int lines = std::clamp(static_cast<int>(labels.size()), 0, std::max(room, 0));
  if (lines == 0) return;
  const int top = canvas.height() - margin - lines * line - margin;
  canvas.fill(margin, top, width, lines * line + margin, {0, 0, 0}, 0.6f);
  for (int i = 0; i < lines; ++i) {
    const ClassLabel& label = *labels[static_cast<size_t>(i)];
    std::array<float, 3> color{};
    std::ranges::transform(label.color, color.begin(), [](uint8_t v) { return static_cast<float>(v) / 255; });
    const int y = top + margin + i * line;
    canvas.fill(2 * margin, y, line - margin, glyph_height * dot, color, 1);
    canvas.write(label.name, 3 * margin + line - margin, y, dot);
  }
}

}  // namespace framelift
