// Bar charts as text: SVG without scripts, fonts or links, so that one file shows everywhere.
#pragma once

#include <span>
#include <string>

namespace framelift {

struct Bar {
  std::string group;   // the heading above the bar and its neighbours
  std::string label;   // left of the bar
  std::string series;  // bars of one series have one colour; named in the legend
  double value = 0;    // 0 or more; below 0: none, and `note` stands in its place
  std::string note;    // after the value
};

// Horizontal bars in the order given. Every group has a scale of its own, from 0 to its largest value, named `axis`.
// Bars of one group follow each other.
std::string bar_chart_svg(const std::string& title, const std::string& subtitle, const std::string& axis,
                          std::span<const Bar> bars);

// An HTML page with the chart inside.
std::string chart_page(const std::string& title, const std::string& svg);

}  // namespace framelift
