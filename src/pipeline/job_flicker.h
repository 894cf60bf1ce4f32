// The flicker that a job adds to its source, measured while it runs.
#pragma once

#include <vector>

#include "metrics/flicker.h"
#include "metrics/mean_luminance.h"
#include "metrics/scene_cut.h"
#include "pipeline/job_plan.h"

namespace framelift {

// Mean luminance of what goes into the network and of what comes out, taken from the tensors at hand (see
// metrics/flicker.h and mean_luminance.h for what is measured); scene cuts are looked for in a frame's first tile.
// Frames are known by their slot between the two sides; the queues between the stages order the calls, so that one
// thread may call the input functions and another the output functions. Allocates nothing after construction.
class JobFlicker {
 public:
  JobFlicker(const VideoJob& job, const JobPlan& plan, size_t slots);

  // The network's input for a tile is complete; tiles come in order.
  void add_input(const TensorView& input, const Tile& tile);
  void end_input(int slot);

  // Its output likewise, in the job's output colours.
  void add_output(const TensorView& output, const Tile& tile) { after_.add(output, tile.covered, tile.written); }
  void end_output(int slot);

  // When no frame is under way any more.
  FlickerScore score() const { return meter_.score(); }

 private:
  struct Source {
    double nits = 0;
    bool cut = false;  // a new scene begins with it
  };
  int scale_;
  MeanLuminance before_, after_;
  SceneCutDetector cuts_;
  std::vector<Source> sources_;           // one a slot
  bool first_tile_ = true, cut_ = false;  // of the frame that goes in
  FlickerMeter meter_;
};

}  // namespace framelift
