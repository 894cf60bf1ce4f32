// A job's frames as the pictures that its network sees: of the size it takes, one for each eye.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "pipeline/job_plan.h"
#include "postprocess/resize.h"
#include "preprocess/picture_reader.h"

namespace framelift {

// One thread at a time.
class InputPictures {
 public:
  // Errors: those of Resizer::create.
  static Result<InputPictures> create(const JobPlan& plan, const VideoInfo& input);

  // JobPlan::eyes pictures of picture_layout(), valid until the next call and as long as `source`, a frame of the
  // input.
  Result<std::span<const Frame>> run(const Frame& source);

  // Whether the source is resized.
  bool resizes() const { return resizer_.has_value(); }
  // Where resizes(): what `reader` makes of run()'s pictures, item by item of `input`, f32 [pictures, 3, region.height,
  // region.width], in one pass over memory. `region` holds the whole picture.
  Status read(const Frame& source, const PictureReader& reader, const Region& region, const TensorView& input);

 private:
  std::vector<Region> eyes_;        // in the source's frames
  int wrap_ = 0;                    // columns from its other side beside an eye's picture
  Frame wrapped_;                   // where they are put together, unless that is the picture itself
  std::optional<Resizer> resizer_;  // from an eye's picture, wrapped, to what the network sees
  std::vector<Frame> pictures_;
};

}  // namespace framelift
