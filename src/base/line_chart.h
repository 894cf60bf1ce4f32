// Curves as text: SVG without scripts, fonts or links, so that one file shows everywhere.
#pragma once

#include <string>
#include <vector>

namespace framelift {

struct Curve {
  std::string name;          // in the legend
  std::vector<double> x, y;  // as many of each; a y that is NaN or infinite leaves a gap, every x is finite
};

// All curves on the same axes. A logarithmic axis needs values above 0, and is an ordinary one otherwise.
struct LineChart {
  std::string title, x_name;
  std::vector<Curve> curves;
  bool logarithmic_x = false, logarithmic_y = false;
  bool dots = false;  // on every point; without, only where it stands alone
};

std::string line_chart_svg(const LineChart& chart);

}  // namespace framelift
