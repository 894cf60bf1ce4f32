// Bar charts as text: SVG without scripts, fonts or links, so that one file shows everywhere.
#pragma once

#include <span>
#include <string>

namespace framelift {

struct Bar {
  std::string group;   // bars of one group stand together under this heading
  std::string label;   // left of the bar
  std::string series;  // bars of one series have one colour; named in the legend
  double value = 0;    // 0 or more; below 0: none, and `note` stands in its place
  std::string note;    // after the value
};

// Horizontal bars in the order given; groups that come more than once are not joined.
std::string bar_chart_svg(const std::string& title, const std::string& subtitle, const std::string& axis,
                          std::span<const Bar> bars);

// An HTML page with the chart inside.
std::string chart_page(const std::string& title, const std::string& svg);

}  // namespace framelift
