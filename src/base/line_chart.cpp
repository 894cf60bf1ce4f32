#include "base/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/svg.h"

namespace framelift {
namespace {

// Pixels.
constexpr double width = 640, height = 320, left = 78, right = 16, top = 62, bottom = 40;
// One axis: from values to pixels, and where its marks are.
struct Axis {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  bool logarithmic = false;
  double from = 0, to = 0;  // pixels

  double place(double value) const { return logarithmic ? std::log10(value) : value; }
  void include(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, place(value));
    high = std::max(high, place(value));
  }
  // Some room where there is nothing to span.
  void finish() {
    if (low > high) low = 0, high = 1;
    if (high - low < 1e-9 * std::max(std::abs(low), 1e-3)) low -= 0.5, high += 0.5;
  }
  double pixel(double value) const { return from + (place(value) - low) / (high - low) * (to - from); }
  // Round numbers within the axis: about five.
  std::vector<double> marks(bool whole) const {
    const double rough = (high - low) / 5, power = std::pow(10, std::floor(std::log10(rough)));
    double step = 10 * power;
    for (const double factor : {5.0, 2.0, 1.0})
      if (factor * power >= rough) step = factor * power;
    if (whole) step = std::max(std::round(step), 1.0);
    std::vector<double> places;
    for (double at = std::ceil(low / step - 1e-9) * step; at <= high + 1e-9 * step; at += step)
      places.push_back(std::abs(at) < 1e-9 * step ? 0 : at);
    return places;
  }
  // Powers of ten, and twice and five times as much where there is room.
  std::vector<double> logarithmic_marks() const {
    const std::vector<double> factors = high - low < 3 ? std::vector{1.0, 2.0, 5.0} : std::vector{1.0};
    std::vector<double> places;
    for (double decade = std::floor(low); decade <= high; ++decade)
      for (const double factor : factors) {
        const double mark = factor * std::pow(10, decade), at = place(mark);
        if (at > low - 1e-9 && at < high + 1e-9) places.push_back(mark);
      }
    return places;
  }
};

std::string polyline(const Axis& x_axis, const Axis& y_axis, std::span<const double> x, const Curve& curve,
                     const char* color) {
  std::string svg, points;
  int count = 0;
  const auto flush = [&] {
    if (count == 1)
      svg += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"3\" fill=\"{}\"/>\n", points.substr(0, points.find(',')),
                         points.substr(points.find(',') + 1), color);
    if (count > 1)
      svg += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", points, color);
    points.clear();
    count = 0;
  };
  for (size_t i = 0; i < std::min(x.size(), curve.values.size()); ++i) {
    if (!std::isfinite(curve.values[i])) {
      flush();
      continue;
    }
    points += fmt::format("{}{:.1f},{:.1f}", count > 0 ? " " : "", x_axis.pixel(x[i]), y_axis.pixel(curve.values[i]));
    ++count;
  }
  flush();
  return svg;
}

}  // namespace

std::string line_chart_svg(const std::string& title, const std::string& x_name, std::span<const double> x,
                           std::span<const Curve> curves, bool logarithmic) {
  for (const Curve& curve : curves)
    for (const double value : curve.values)
      if (std::isfinite(value) && value <= 0) logarithmic = false;
  Axis x_axis, y_axis;
  x_axis.from = left;
  x_axis.to = width - right;
  y_axis.from = height - bottom;
  y_axis.to = top;
  y_axis.logarithmic = logarithmic;
  for (const double value : x) x_axis.include(value);
  for (const Curve& curve : curves)
    for (const double value : curve.values) y_axis.include(value);
  x_axis.finish();
  y_axis.finish();

  std::string body = svg_text(16, 26, title, "font-size=\"16\" font-weight=\"bold\"");
  double legend = left;
  for (size_t i = 0; i < curves.size(); ++i) {
    const char* color = chart_colors[i % std::size(chart_colors)];
    body += fmt::format("<rect x=\"{:.1f}\" y=\"38\" width=\"12\" height=\"12\" fill=\"{}\"/>\n", legend, color);
    body += svg_text(legend + 17, 48, curves[i].name, "");
    legend += 17 + 7.2 * static_cast<double>(curves[i].name.size()) + 18;
  }
  for (const double mark : logarithmic ? y_axis.logarithmic_marks() : y_axis.marks(false)) {
    const double y = y_axis.pixel(mark);
    body += fmt::format("<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n", left,
                        width - right, y, y);
    body += svg_text(left - 8, y + 4, fmt::format("{:.4g}", mark), "text-anchor=\"end\"");
  }
  for (const double mark : x_axis.marks(true))
    body += svg_text(x_axis.pixel(mark), height - bottom + 18, fmt::format("{:g}", mark), "text-anchor=\"middle\"");
  body += svg_text((left + width - right) / 2, height - 6, x_name, "text-anchor=\"middle\" fill=\"#666\"");
  for (size_t i = 0; i < curves.size(); ++i)
    body += polyline(x_axis, y_axis, x, curves[i], chart_colors[i % std::size(chart_colors)]);
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
             "{1:.0f}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#222\">\n"
             "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
             width, height) +
         body + "</svg>\n";
}

}  // namespace framelift
