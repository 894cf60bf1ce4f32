// Shows a job's progress: one line redrawn on a terminal, a plain line every few seconds elsewhere.
#pragma once

#include "pipeline/video_job.h"

namespace framelift {

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
