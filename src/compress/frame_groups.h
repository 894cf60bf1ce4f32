// A video's frames in groups that each become one network.
#pragma once

#include <optional>
#include <vector>

#include "base/cancellation.h"
#include "base/result.h"
#include "codec/fnv.h"
#include "decode/source.h"
#include "metrics/scene_cut.h"
#include "preprocess/picture_reader.h"

namespace framelift {

struct FrameGroup {
  std::vector<Frame> frames;  // as decoded
  std::vector<FnvFrameTime> times;
};

// Not thread-safe. The source and the reader outlive it.
class FrameGroups {
 public:
  // Frames' times are those after `start_pts`.
  FrameGroups(Source& source, const PictureReader& reader, int most_frames, int64_t start_pts,
              const Cancellation* cancel)
      : source_(source),
        reader_(reader),
        most_frames_(static_cast<size_t>(most_frames)),
        start_pts_(start_pts),
        cancel_(cancel) {}

  // The next group; without frames at the end. A group ends before a scene cut when it has at least half of the most
  // frames. Errors: those of the source, cancelled.
  Result<FrameGroup> next();

 private:
  Result<Frame> next_frame();
  FnvFrameTime time_of(const Frame& frame);

  Source& source_;
  const PictureReader& reader_;
  size_t most_frames_;
  int64_t start_pts_;
  const Cancellation* cancel_;
  SceneCutDetector cuts_;
  Tensor picture_;
  Frame waiting_;  // the first of the next group
  bool waiting_is_cut_ = false;
  std::optional<FnvFrameTime> before_;
};

}  // namespace framelift
