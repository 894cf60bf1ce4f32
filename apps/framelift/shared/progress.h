// Shows a job's progress: one line redrawn on a terminal, a plain line every few seconds elsewhere.
#pragma once

#include <string>

#include "pipeline/video_job.h"

namespace framelift {

std::string clock_text(double seconds);  // "1:05", "2:03:04"; "?" below 0
std::string progress_bar(double share);  // 0..1

class ProgressPrinter {
 public:
  ProgressPrinter();
  void operator()(const Progress& progress);
  // A line of its own.
  void operator()(const IntervalReport& timing);
  // Clears the redrawn line before other output.
  void finish();

 private:
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point last_ = Clock::now();
};

}  // namespace framelift
