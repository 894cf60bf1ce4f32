// What pages and charts that framelift draws share.
#pragma once

#include <string>
#include <string_view>

namespace framelift {

// Okabe and Ito's colours, which stay apart for colour-blind readers.
inline constexpr const char* chart_colors[] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"};

// Text for HTML, SVG and their attributes in double quotes.
std::string escape_markup(std::string_view text);

// A <text> element at x, y in pixels; `attributes` as they are.
std::string svg_text(double x, double y, std::string_view text, const char* attributes = "");

}  // namespace framelift
