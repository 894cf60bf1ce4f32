// Frame -> network input: pixel format and, where the network was made for other colours, transfer and primaries.
#pragma once

#include <optional>
#include <utility>

#include "preprocess/color_convert.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {

// Immutable; any number of threads may call it.
class PictureReader {
 public:
  // `clamp`: to [0, 1], for networks trained on pictures of that range. YUV video holds values outside of it (foot- and
  // headroom, colours beyond the RGB cube), from which such networks make colours nobody has seen.
  PictureReader(FrameToTensor to_tensor, std::optional<ColorConverter> convert, bool clamp)
      : to_tensor_(std::move(to_tensor)), convert_(std::move(convert)), clamp_(clamp) {}

  // As FrameToTensor::run, in the network's colours.
  void run(const Frame& frame, const Region& region, const TensorView& dst) const {
    to_tensor_.run(frame, region, dst);
    if (convert_) convert_->run(dst);
    if (!clamp_) return;
    for (float& v : dst.f32()) v = v > 0 ? (v < 1 ? v : 1) : 0;
  }

 private:
  FrameToTensor to_tensor_;
  std::optional<ColorConverter> convert_;
  bool clamp_;
};

}  // namespace framelift
