#include "apps/framelift/shared/progress.h"

#include <unistd.h>

#include <cstdio>

namespace framelift {

std::string clock_text(double seconds) {
  if (seconds < 0) return "?";
  const auto s = static_cast<int64_t>(seconds + 0.5);
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}

std::string progress_bar(double share) {
  constexpr int width = 24;
  const int filled = static_cast<int>(share * width);
  std::string text;
  for (int i = 0; i < width; ++i) text += i < filled ? "━" : "─";
  return text;
}

ProgressPrinter::ProgressPrinter() : terminal_(isatty(STDERR_FILENO) != 0) {}

void ProgressPrinter::operator()(const Progress& p) {
  const auto now = Clock::now();
  const double wait = terminal_ ? 0.1 : 5.0;
  const bool last = p.frames == p.total_frames;
  if (seconds_between(last_, now) < wait && !(last && terminal_)) return;
  last_ = now;
  const std::string total = p.total_frames > 0 ? fmt::format("/{}", p.total_frames) : "";
  const std::string text =
      fmt::format("frame {}{}  {:.2f} fps  {} left{}{}", p.frames, total, p.fps, clock_text(p.seconds_left),
                  *p.limiting_stage ? "  limited by " : "", p.limiting_stage);
  if (terminal_) {
    const double share = p.total_frames > 0 ? std::min(double(p.frames) / double(p.total_frames), 1.0) : 0;
    std::fprintf(stderr, "\r\033[K%s %3.0f%%  %s", progress_bar(share).c_str(), share * 100, text.c_str());
    drawn_ = true;
  } else {
    std::fprintf(stderr, "%s\n", text.c_str());
  }
  std::fflush(stderr);
}

void ProgressPrinter::operator()(const IntervalReport& t) {
  finish();
  std::string stages;
  for (size_t i = 0; i < t.stage_seconds.size(); ++i)
    stages += fmt::format(" {} {:.2f}", stage_names[i], 1e3 * t.stage_seconds[i]);
  fmt::print(stderr, "timing {}: {:.2f} fps, 1% low {:.2f}, {} late, {} drops; ms a frame:{}; limited by {}\n",
             t.frames, t.fps, t.low_1_percent_fps, t.late_frames, t.estimated_drops, stages, t.limiting_stage);
  std::fflush(stderr);
}

void ProgressPrinter::finish() {
  if (drawn_) std::fprintf(stderr, "\r\033[K");
  drawn_ = false;
}

}  // namespace framelift
