// Curves over epochs as text: SVG without scripts, fonts or links, so that one file shows everywhere.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace framelift {

struct Curve {
  std::string name;            // in the legend
  std::vector<double> values;  // one per x; NaN and infinity leave a gap
};

// All curves over the same x, with one scale; logarithmic when asked for and all values are above 0.
std::string line_chart_svg(const std::string& title, const std::string& x_name, std::span<const double> x,
                           std::span<const Curve> curves, bool logarithmic);

}  // namespace framelift
