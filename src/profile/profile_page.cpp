#include "profile/profile_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>

#include "base/line_chart.h"
#include "base/svg.h"

namespace framelift {
namespace {

constexpr size_t most_rows = 40;

std::string advice(const JobReport& report) {
  const std::string& stage = report.bottleneck;
  if (stage == "decode")
    return "A source that is cheaper to decode (less resolution, an intra-frame codec) would help.";
  if (stage == "preprocess" || stage == "postprocess")
    return "Its work is done once per pixel on one core; a smaller output size or fewer conversions would help.";
  if (stage == "network")
    return fmt::format("{}smaller model, or a GPU (--device cuda) would help.",
                       report.precision == "f32" ? "--precision bf16, a " : "A ");
  return "A faster --preset or --encoder would help.";
}

// A job's share in words that add up to all of a thread's time.
std::string stage_rows(const JobReport& report) {
  std::string html;
  for (const StageReport& s : report.stages) {
    const double rest = std::max(0.0, 1 - s.busy_share - s.waiting_for_input_share - s.waiting_for_room_share);
    std::string bar;
    double x = 0;
    const std::pair<double, const char*> parts[] = {{s.busy_share, chart_colors[0]},
                                                    {s.waiting_for_input_share, chart_colors[4]},
                                                    {s.waiting_for_room_share, chart_colors[1]}};
    for (const auto& [share, color] : parts) {
      bar +=
          fmt::format("<rect x=\"{:.1f}\" width=\"{:.1f}\" height=\"16\" fill=\"{}\"/>", 400 * x, 400 * share, color);
      x += share;
    }
    html += fmt::format(
        "<tr><th>{}</th><td>{:.2f}</td><td>{:.2f}</td><td>{:.1f}</td><td>{:.1f}</td><td>{:.1f}</td><td>{:.1f}</td>"
        "<td><svg width=\"400\" height=\"16\"><rect width=\"400\" height=\"16\" fill=\"#eee\"/>{}</svg></td></tr>\n",
        escape_markup(s.name), s.mean_ms, s.p99_ms, 100 * s.busy_share, 100 * s.waiting_for_input_share,
        100 * s.waiting_for_room_share, 100 * rest, bar);
  }
  return html;
}

// `streams`: how many runs are under way at a time, which share the machine.
std::string operation_table(const Profile& profile, int streams) {
  const NetworkProfile& network = profile.network;
  if (network.operations().empty())
    return "<p>This engine does not time its operations; --backend openvino does.</p>\n";
  const double total = std::accumulate(network.seconds().begin(), network.seconds().end(), 0.0);
  if (network.runs() == 0 || total <= 0) return "<p>The network has not run.</p>\n";
  std::vector<size_t> order(network.operations().size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return network.seconds()[i]; });
  const auto runs = static_cast<double>(network.runs());

  std::map<std::string, double> kinds;
  for (size_t i : order) kinds[network.operations()[i].kind] += network.seconds()[i];
  std::vector<std::pair<std::string, double>> by_kind(kinds.begin(), kinds.end());
  std::ranges::stable_sort(by_kind, std::greater(), &std::pair<std::string, double>::second);
  std::string html = "<p>";
  for (const auto& [kind, seconds] : by_kind)
    if (seconds > 0.001 * total) html += fmt::format("{} {:.1f} %, ", escape_markup(kind), 100 * seconds / total);
  html.resize(html.size() - 2);
  html += fmt::format(".</p>\n<p>{} runs, {:.3f} ms each by the sum of its operations.", network.runs(),
                      1e3 * total / runs);
  if (profile.peak_flops > 0)
    html += fmt::format(
        " The peak, {:.0f} GFLOP/s, is what this engine reached here before the job on 3x3 convolutions from 64 to 64 "
        "channels with every stream busy; GFLOP/s are of one stream of {}, the share of the peak is of all.",
        profile.peak_flops * 1e-9, streams);
  html +=
      "</p>\n<table>\n<tr><th>operation</th><th>kind</th><th>kernel</th><th>precision</th><td>ms a run</td><td>share "
      "%</td>"
      "<td>GFLOP/s</td><td>of peak %</td></tr>\n";
  for (size_t rank = 0; rank < std::min(order.size(), most_rows); ++rank) {
    const Operation& o = network.operations()[order[rank]];
    const double seconds = network.seconds()[order[rank]] / runs;
    if (seconds <= 0) break;
    const double speed = static_cast<double>(o.flops) / seconds;
    html += fmt::format(
        "<tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th><td>{:.4f}</td><td>{:.1f}</td><td>{}</td><td>{}</td></tr>\n",
        escape_markup(o.name), escape_markup(o.kind), escape_markup(o.kernel), escape_markup(o.precision),
        1e3 * seconds, 100 * seconds * runs / total, o.flops > 0 ? fmt::format("{:.0f}", speed * 1e-9) : "",
        o.flops > 0 && profile.peak_flops > 0 ? fmt::format("{:.0f}", 100 * speed * streams / profile.peak_flops)
                                              : std::string());
  }
  return html + "</table>\n";
}

std::string memory_chart(const Profile& profile) {
  Curve resident{"resident MB", {}, {}}, device{"device MB", {}, {}};
  bool any = false;
  for (const MemoryMonitor::Sample& s : profile.memory.samples()) {
    resident.x.push_back(s.seconds);
    resident.y.push_back(static_cast<double>(s.resident_bytes) * 1e-6);
    device.x.push_back(s.seconds);
    device.y.push_back(static_cast<double>(s.device_bytes) * 1e-6);
    any |= s.device_bytes > 0;
  }
  LineChart chart{"Memory", "seconds", {std::move(resident)}};
  if (any) chart.curves.push_back(std::move(device));
  return line_chart_svg(chart);
}

// How much of what was made for frames and runs was in use at a time.
std::string pool_table(const JobReport& report) {
  std::string html = "<table>\n<tr><th>pool</th><td>pieces</td><td>most in use</td><td>MB each</td></tr>\n";
  for (const auto& [name, use] : report.pools)
    html += fmt::format("<tr><th>{}</th><td>{}</td><td>{}</td><td>{:.1f}</td></tr>\n", name, use.capacity, use.most,
                        static_cast<double>(use.piece_bytes) * 1e-6);
  return html + "</table>\n";
}

}  // namespace

std::string bottleneck_sentence(const JobReport& report) {
  const auto found = std::ranges::find(report.stages, report.bottleneck, &StageReport::name);
  const double share = found == report.stages.end() ? 0 : found->busy_share;
  if (share < 0.6)
    return fmt::format(
        "No stage is busy all the time ({} most, {:.0f} % of {:.1f} s): they wait for each other, as in short jobs, "
        "where starting up counts.",
        report.bottleneck, 100 * share, report.seconds);
  return fmt::format("The limit is {}, busy {:.0f} % of {:.1f} s. {}", report.bottleneck, 100 * share, report.seconds,
                     advice(report));
}

std::string profile_page(const JobReport& report, const Profile& profile) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>framelift profile</title>\n<style>\n"
      "body {{ font: 15px/1.5 Helvetica, Arial, sans-serif; color: #222; max-width: 1100px; margin: 2em auto; padding: "
      "0 1em }}\n"
      "table {{ border-collapse: collapse }}\nth, td {{ padding: 2px 1em 2px 0; text-align: right }}\n"
      "th {{ text-align: left; font-weight: normal }}\ntr:first-child {{ color: #666 }}\n"
      "i {{ display: inline-block; width: 12px; height: 12px; margin: 0 4px 0 12px }}\n</style></head>\n<body>\n"
      "<h1>{} frames, {:.2f} fps</h1>\n<p><b>{}</b></p>\n<p>{} on {} in {}, {} streams, {} tiles.<br>{}<br>{}</p>\n",
      report.frames, report.fps, escape_markup(bottleneck_sentence(report)), escape_markup(report.model),
      escape_markup(report.backend), escape_markup(report.precision), report.streams, report.tiles,
      escape_markup(report.input), escape_markup(report.output));
  html += fmt::format(
      "<h2>Stages</h2>\n<p><i style=\"background:{}\"></i>busy<i style=\"background:{}\"></i>waiting for the stage "
      "before<i style=\"background:{}\"></i>waiting for the stage after<i style=\"background:#eee\"></i>ended, or not "
      "begun; % of {:.2f} s. The network runs on the engine's threads: busy means that a run was under way.</p>\n"
      "<table>\n<tr><th>stage</th><td>mean ms</td><td>99 % below</td><td>busy %</td><td>before %</td><td>after %</td>"
      "<td>rest %</td><td></td></tr>\n{}</table>\n",
      chart_colors[0], chart_colors[4], chart_colors[1], report.seconds, stage_rows(report));
  html += "<h2>Operations of the network</h2>\n" + operation_table(profile, report.streams);
  const auto mb = [](int64_t bytes) { return static_cast<double>(bytes) * 1e-6; };
  html += fmt::format(
      "<h2>Memory</h2>\n<p>At most {:.0f} MB resident{}.</p>\n{}{}</body>\n</html>\n", mb(report.peak_resident_bytes),
      report.device_bytes > 0 ? fmt::format(", {:.0f} MB on the device at the end", mb(report.device_bytes)) : "",
      memory_chart(profile), pool_table(report));
  return html;
}

}  // namespace framelift
