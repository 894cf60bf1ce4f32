// The masks of a job's frames: one for each eye.
#pragma once

#include <vector>

#include "pipeline/mask/mask_painter.h"
#include "pipeline/mask/mask_schedule.h"

namespace framelift {

// Frames in their order, one thread at a time.
class FrameMask {
 public:
  // `kept`: the part of the network's output for one eye that is the source's picture. `source`: whole frames as they
  // are decoded; `target`: whole frames to be written. Errors: those of MaskPainter::create, and unsupported for
  // frames that are not two pictures of whole samples.
  static Result<FrameMask> create(const MaskOptions& options, const NetworkContract& contract, const Region& kept,
                                  const MaskSource& source, const MaskTarget& target);

  // The network's output [eyes,planes,H,W] for the next frame, which is not read for a step without a run.
  void take(const TensorView& output, const MaskStep& step);
  // As MaskPainter's.
  bool ready(bool ended) const { return painters_[0].ready(ended); }
  Status paint(const Frame& source, Frame& picture);

 private:
  std::vector<Region> from_, to_;  // of the eyes, in source and target
  std::vector<MaskPainter> painters_;
};

}  // namespace framelift
