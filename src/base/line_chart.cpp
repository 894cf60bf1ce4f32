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
  std::vector<double> marks(bool whole) const { return logarithmic ? logarithmic_marks() : even_marks(whole); }
  // Round numbers within the axis: about five.
  std::vector<double> even_marks(bool whole) const {
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

std::string line(const Axis& x_axis, const Axis& y_axis, const Curve& curve, const char* color, bool dots) {
  std::string svg, points;
  int count = 0;
  const auto flush = [&] {
    if (count > 1)
      svg += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", points, color);
    points.clear();
    count = 0;
  };
  const auto is_there = [&](size_t i) { return i < curve.y.size() && std::isfinite(curve.y[i]); };
  for (size_t i = 0; i < curve.x.size(); ++i) {
    if (!is_there(i)) {
      flush();
      continue;
    }
    const std::string x = fmt::format("{:.1f}", x_axis.pixel(curve.x[i]));
    const std::string y = fmt::format("{:.1f}", y_axis.pixel(curve.y[i]));
    if (dots || (count == 0 && !is_there(i + 1)))
      svg += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"3\" fill=\"{}\"/>\n", x, y, color);
    points += fmt::format("{}{},{}", count > 0 ? " " : "", x, y);
    ++count;
  }
  flush();
  return svg;
}

bool all_above_zero(const LineChart& chart, std::vector<double> Curve::*values) {
  return std::ranges::all_of(chart.curves, [&](const Curve& curve) {
    return std::ranges::all_of(curve.*values, [](double v) { return !std::isfinite(v) || v > 0; });
  });
}

}  // namespace

std::string line_chart_svg(const LineChart& chart) {
  Axis x_axis, y_axis;
  x_axis.from = left;
  x_axis.to = width - right;
  x_axis.logarithmic = chart.logarithmic_x && all_above_zero(chart, &Curve::x);
  y_axis.from = height - bottom;
  y_axis.to = top;
  y_axis.logarithmic = chart.logarithmic_y && all_above_zero(chart, &Curve::y);
  bool whole = true;  // epochs, frames
  for (const Curve& curve : chart.curves) {
    for (const double value : curve.x) {
      x_axis.include(value);
      whole = whole && value == std::round(value);
    }
    for (const double value : curve.y) y_axis.include(value);
  }
  x_axis.finish();
  y_axis.finish();

  std::string body = svg_text(16, 26, chart.title, "font-size=\"16\" font-weight=\"bold\"");
  double legend = left;
  for (size_t i = 0; i < chart.curves.size(); ++i) {
    const char* color = chart_colors[i % std::size(chart_colors)];
    body += fmt::format("<rect x=\"{:.1f}\" y=\"38\" width=\"12\" height=\"12\" fill=\"{}\"/>\n", legend, color);
    body += svg_text(legend + 17, 48, chart.curves[i].name, "");
    legend += 17 + 7.2 * static_cast<double>(chart.curves[i].name.size()) + 18;
  }
  for (const double mark : y_axis.marks(false)) {
    const double y = y_axis.pixel(mark);
    body += fmt::format("<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n", left,
                        width - right, y, y);
    body += svg_text(left - 8, y + 4, fmt::format("{:.4g}", mark), "text-anchor=\"end\"");
  }
  for (const double mark : x_axis.marks(whole))
    body += svg_text(x_axis.pixel(mark), height - bottom + 18, fmt::format("{:g}", mark), "text-anchor=\"middle\"");
  body += svg_text((left + width - right) / 2, height - 6, chart.x_name, "text-anchor=\"middle\" fill=\"#666\"");
  for (size_t i = 0; i < chart.curves.size(); ++i)
    body += line(x_axis, y_axis, chart.curves[i], chart_colors[i % std::size(chart_colors)], chart.dots);
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
             "{1:.0f}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#222\">\n"
             "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
             width, height) +
         body + "</svg>\n";
}

}  // namespace framelift
