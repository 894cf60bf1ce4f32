#include "apps/framelift/shared/bench_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/svg.h"

namespace framelift {
namespace {

// Pixels.
constexpr double letter = 7.2;  // mean advance of the 12 pixel font
constexpr double margin = 20, row_height = 22, bar_height = 16, heading_height = 30, axis_height = 34;
constexpr double plot_width = 620, value_room = 190;
// The distance between marks of an axis from 0 to `largest`: 1, 2 or 5 times a power of ten, about six marks.
double tick_step(double largest) {
  const double rough = largest / 6, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough) return factor * power;
  return 10 * power;
}

std::string rectangle(double x, double y, double width, double height, const char* color) {
  return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n", x, y, width,
                     height, color);
}

// The axis of one group, from `top` to `bottom`; nothing to measure by when `largest` is not above 0.
std::string scale_marks(double left, double top, double bottom, double largest, const std::string& axis) {
  std::string svg;
  const double step = largest > 0 ? tick_step(largest) : 1;
  for (int i = 0; i * step <= std::max(largest, 0.0); ++i) {
    const double x = left + (largest > 0 ? i * step / largest * plot_width : 0);
    svg += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\"/>\n", x, top,
                       bottom + 4, i == 0 ? "#222" : "#ddd");
    if (largest > 0) svg += svg_text(x, bottom + 18, fmt::format("{:g}", i * step), "text-anchor=\"middle\"");
  }
  return svg + svg_text(left + plot_width + 6, bottom + 18, largest > 0 ? axis : "", "fill=\"#666\"");
}

std::string bar_row(const Bar& bar, double left, double y, double largest, const char* color) {
  constexpr size_t longest_note = 100;
  const double baseline = y + 13;
  std::string svg = svg_text(left - 8, baseline, bar.label, "text-anchor=\"end\"");
  if (bar.value < 0) {
    const bool cut = bar.note.size() > longest_note;
    return svg + svg_text(left + 6, baseline, bar.note.substr(0, longest_note) + (cut ? "..." : ""), "fill=\"#a00\"");
  }
  const double width = largest > 0 ? bar.value / largest * plot_width : 0;
  svg += rectangle(left, y + 1, std::max(width, 1.0), bar_height, color);
  return svg + svg_text(left + width + 6, baseline, fmt::format("{:.2f}  {}", bar.value, bar.note));
}

}  // namespace

std::string bar_chart_svg(const std::string& title, const std::string& subtitle, const std::string& axis,
                          std::span<const Bar> bars) {
  double label_width = 0;
  std::vector<std::string> series;
  for (const Bar& bar : bars) {
    label_width = std::max(label_width, letter * static_cast<double>(bar.label.size()));
    if (std::ranges::find(series, bar.series) == series.end()) series.push_back(bar.series);
  }
  const auto color_of = [&](const std::string& name) {
    return chart_colors[static_cast<size_t>(std::ranges::find(series, name) - series.begin()) %
                        std::size(chart_colors)];
  };
  const double left = margin + label_width + 8;

  std::string body = svg_text(margin, 28, title, "font-size=\"17\" font-weight=\"bold\"");
  body += svg_text(margin, 48, subtitle, "fill=\"#666\"");
  double legend = margin;
  for (const std::string& name : series) {
    body += rectangle(legend, 61, 12, 12, color_of(name));
    body += svg_text(legend + 17, 71, name);
    legend += 17 + letter * static_cast<double>(name.size()) + 18;
  }

  double y = 84;
  for (auto group = bars.begin(); group != bars.end();) {
    const auto end = std::find_if(group, bars.end(), [&](const Bar& bar) { return bar.group != group->group; });
    body += svg_text(margin, y + 20, group->group, "font-size=\"13\" font-weight=\"bold\"");
    y += heading_height;
    const double largest = std::ranges::max(std::span(group, end), {}, &Bar::value).value;
    const double bottom = y + row_height * static_cast<double>(end - group);
    body += scale_marks(left, y, bottom, largest, axis);
    for (; group != end; ++group, y += row_height) body += bar_row(*group, left, y, largest, color_of(group->series));
    y = bottom + axis_height;
  }
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
             "{1:.0f}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#222\">\n",
             left + plot_width + value_room, y) +
         "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" + body + "</svg>\n";
}

std::string chart_page(const std::string& title, const std::string& svg) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{}</title></head>\n"
      "<style>body {{ margin: 0 }} svg {{ max-width: 100%; height: auto }}</style>\n<body>\n{}</body>\n</html>\n",
      escape_markup(title), svg);
}

}  // namespace framelift
