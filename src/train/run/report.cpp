#include "train/run/report.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "base/line_chart.h"
#include "base/svg.h"

namespace framelift {
namespace {

std::string base64_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // with the zero that OpenSSL writes behind it
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(length));
  return text;
}

std::vector<double> column(const History& history, double EpochRecord::*member) {
  std::vector<double> values;
  for (const EpochRecord& r : history) values.push_back(r.*member);
  return values;
}

std::string row(const char* name, const std::string& value) {
  return fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", name, escape_markup(value));
}

std::string figure(double value, const char* unit = "") {
  return std::isfinite(value) ? fmt::format("{:.6g}{}", value, unit) : "-";
}

std::string figures(const History& history) {
  if (history.empty()) return "<p>No epoch is complete yet.</p>\n";
  const EpochRecord& last = history.back();
  std::string html = "<table>\n" + row("Epochs", std::to_string(last.epoch)) +
                     row("Updates", std::to_string(last.step)) + row("Training loss", figure(last.training_loss)) +
                     row("Validation loss", figure(last.validation_loss));
  const auto best = std::find_if(history.rbegin(), history.rend(), [](const EpochRecord& r) { return r.best; });
  if (best != history.rend())
    html += row("Best validation loss", fmt::format("{} in epoch {}", figure(best->validation_loss), best->epoch));
  html += row("PSNR", figure(last.psnr, " dB")) + row("SSIM", figure(last.ssim));
  if (std::isfinite(last.pu21_psnr)) html += row("PU21-PSNR", figure(last.pu21_psnr, " dB"));
  double seconds = 0;
  for (const EpochRecord& r : history) seconds += std::isfinite(r.seconds) ? r.seconds : 0;
  return html + row("Time", fmt::format("{:.0f} s", seconds)) + "</table>\n";
}

}  // namespace

std::vector<RunChart> run_charts(const History& history) {
  std::vector<double> epochs;
  for (const EpochRecord& r : history) epochs.push_back(r.epoch);
  const auto curve = [&](const char* name, auto figure) { return Curve{name, epochs, column(history, figure)}; };
  const auto chart = [&](const char* title, std::vector<Curve> curves, bool logarithmic) {
    LineChart lines{title, "epoch", std::move(curves)};
    lines.logarithmic_y = logarithmic;
    return line_chart_svg(lines);
  };
  std::vector<Curve> psnr{curve("validation", &EpochRecord::psnr)};
  if (!history.empty() && std::isfinite(history.back().pu21_psnr))
    psnr.push_back(curve("validation, PU21", &EpochRecord::pu21_psnr));
  return {{"loss.svg",
           chart("Loss",
                 {curve("training", &EpochRecord::training_loss), curve("validation", &EpochRecord::validation_loss)},
                 true)},
          {"psnr.svg", chart("PSNR in dB", psnr, false)},
          {"ssim.svg", chart("SSIM", {curve("validation", &EpochRecord::ssim)}, false)},
          {"learning_rate.svg",
           chart("Learning rate", {curve("of the epoch's last update", &EpochRecord::learning_rate)}, false)}};
}

std::string report_page(const std::string& title, const History& history, const std::vector<RunChart>& charts,
                        const std::vector<ReportPicture>& pictures, const std::string& config_json) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{0}</title>\n<style>\n"
      "body {{ font: 15px/1.5 Helvetica, Arial, sans-serif; color: #222; max-width: 1340px; margin: 2em auto; padding: "
      "0 1em }}\n"
      "th {{ text-align: left; font-weight: normal; color: #666; padding-right: 2em }}\n"
      ".charts {{ display: flex; flex-wrap: wrap; gap: 12px }}\n"
      "img {{ max-width: 100%; display: block }}\nfigure {{ margin: 0 0 1.5em }}\nfigcaption {{ color: #666 }}\n"
      "pre {{ background: #f5f5f5; padding: 1em; overflow-x: auto; font-size: 13px }}\n</style></head>\n<body>\n"
      "<h1>{0}</h1>\n",
      escape_markup(title));
  html += figures(history) + "<h2>Curves</h2>\n<div class=\"charts\">\n";
  for (const RunChart& chart : charts) html += chart.svg;
  html += "</div>\n";
  if (!pictures.empty()) html += "<h2>Pictures</h2>\n";
  for (const ReportPicture& picture : pictures) {
    const std::string data = base64_of(picture.png);
    if (data.empty()) continue;
    html += fmt::format(
        "<figure><img alt=\"{0}\" src=\"data:image/png;base64,{1}\">"
        "<figcaption>{0}: input, prediction, target</figcaption></figure>\n",
        escape_markup(picture.caption), data);
  }
  return html + "<h2>Configuration</h2>\n<pre>" + escape_markup(config_json) + "</pre>\n</body>\n</html>\n";
}

}  // namespace framelift
