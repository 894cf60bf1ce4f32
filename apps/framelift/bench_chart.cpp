#include "apps/framelift/bench_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace framelift {
namespace {

// Pixels.
constexpr double letter = 7.2;  // mean advance of the 12 pixel font
constexpr double margin = 20, row_height = 22, bar_height = 16, heading_height = 30;
constexpr double plot_width = 620, value_room = 190;
// Okabe and Ito's colours, which stay apart for colour-blind readers.
constexpr const char* colors[] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string text(double x, double y, const std::string& what, const char* attributes = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, attributes, escaped(what));
}

// The distance between marks of an axis from 0 to `largest`: 1, 2 or 5 times a power of ten, about six marks.
double tick_step(double largest) {
  const double rough = largest / 6, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough) return factor * power;
  return 10 * power;
}

}  // namespace

std::string bar_chart_svg(const std::string& title, const std::string& subtitle, const std::string& axis,
                          std::span<const Bar> bars) {
  double largest = 0, label_width = 0;
  std::vector<std::string> series;
  size_t groups = 0;
  for (size_t i = 0; i < bars.size(); ++i) {
    largest = std::max(largest, bars[i].value);
    label_width = std::max(label_width, letter * static_cast<double>(bars[i].label.size()));
    if (std::ranges::find(series, bars[i].series) == series.end()) series.push_back(bars[i].series);
    groups += i == 0 || bars[i].group != bars[i - 1].group;
  }
  if (largest <= 0) largest = 1;
  const double left = margin + label_width + 8, top = 92;
  const double bottom =
      top + row_height * static_cast<double>(bars.size()) + heading_height * static_cast<double>(groups);
  const double width = left + plot_width + value_room, height = bottom + 52;
  const auto x_of = [&](double value) { return left + value / largest * plot_width; };
  const auto color_of = [&](const std::string& name) {
    return colors[static_cast<size_t>(std::ranges::find(series, name) - series.begin()) % std::size(colors)];
  };

  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#222\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
      width, height);
  svg += text(margin, 28, title, "font-size=\"17\" font-weight=\"bold\"");
  svg += text(margin, 48, subtitle, "fill=\"#666\"");
  double legend = margin;
  for (const std::string& name : series) {
    svg +=
        fmt::format("<rect x=\"{:.1f}\" y=\"61\" width=\"12\" height=\"12\" fill=\"{}\"/>\n", legend, color_of(name));
    svg += text(legend + 17, 71, name);
    legend += 17 + letter * static_cast<double>(name.size()) + 18;
  }

  const double step = tick_step(largest);
  for (int i = 0; i * step <= largest * 1.001; ++i) {
    const double x = x_of(i * step);
    svg += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\"/>\n", x, top,
                       bottom + 4, i == 0 ? "#222" : "#ddd");
    svg += text(x, bottom + 19, fmt::format("{:g}", i * step), "text-anchor=\"middle\"");
  }
  svg += text(left + plot_width / 2, bottom + 40, axis, "text-anchor=\"middle\" font-weight=\"bold\"");

  double y = top;
  for (size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    if (i == 0 || bar.group != bars[i - 1].group) {
      svg += text(margin, y + 20, bar.group, "font-size=\"13\" font-weight=\"bold\"");
      y += heading_height;
    }
    const double baseline = y + 13;
    svg += text(left - 8, baseline, bar.label, "text-anchor=\"end\"");
    if (bar.value >= 0) {
      svg += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\"/>\n", left, y + 1,
                         std::max(x_of(bar.value) - left, 1.0), bar_height, color_of(bar.series));
      svg += text(x_of(bar.value) + 6, baseline,
                  fmt::format("{:.2f}{}{}", bar.value, bar.note.empty() ? "" : "  ", bar.note));
    } else {
      svg += text(left + 6, baseline, bar.note, "fill=\"#a00\"");
    }
    y += row_height;
  }
  return svg + "</svg>\n";
}

std::string chart_page(const std::string& title, const std::string& svg) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{}</title></head>\n"
      "<body style=\"margin: 0\">\n{}</body>\n</html>\n",
      escaped(title), svg);
}

}  // namespace framelift
