// A job's frames as the pictures that its network sees: of the size it takes, one for each eye.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "pipeline/job_plan.h"
#include "postprocess/resize.h"

namespace framelift {

// One thread at a time.
class InputPictures {
 public:
  // Errors: those of Resizer::create.
  static Result<InputPictures> create(const JobPlan& plan, const VideoInfo& input);

  // JobPlan::eyes pictures of picture_layout(), valid until the next call and as long as `source`, a frame of the
  // input.
  Result<std::span<const Frame>> run(const Frame& source);

 private:
  std::vector<Region> eyes_;        // in the source's frames
  int wrap_ = 0;                    // columns from its other side beside an eye's picture
  Frame wrapped_;                   // where they are put together, unless that is the picture itself
  std::optional<Resizer> resizer_;  // from an eye's picture, wrapped, to what the network sees
  std::vector<Frame> pictures_;
};

}  // namespace framelift
