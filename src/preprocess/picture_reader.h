// Frame -> network input: pixel format and, where the network was made for other colours, transfer and primaries.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "preprocess/color_convert.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {

// Black bars beside the picture: on these axes a region that reaches beyond the picture reads black there instead of
// the picture's reflection.
struct Bars {
  bool left_right = false, above_below = false;
};

// Immutable; any number of threads may call it.
class PictureReader {
 public:
  // `clamp`: to [0, 1], for networks trained on pictures of that range. YUV video holds values outside of it (foot- and
  // headroom, colours beyond the RGB cube), from which such networks make colours nobody has seen.
  PictureReader(FrameToTensor to_tensor, std::optional<ColorConverter> convert, bool clamp, Bars bars = {})
      : to_tensor_(std::move(to_tensor)), convert_(std::move(convert)), clamp_(clamp), bars_(bars) {}

  // As FrameToTensor::run, in the network's colours.
  void run(const Frame& frame, const Region& region, const TensorView& dst) const {
    to_tensor_.run(frame, region, dst);
    if (convert_) convert_->run(dst);
    if (clamp_)
      for (float& v : dst.f32()) v = v > 0 ? (v < 1 ? v : 1) : 0;
    if (bars_.left_right || bars_.above_below) blacken(frame, region, dst);
  }

  // For devices that do it themselves: how samples become signals, if that is all there is to do.
  const PixelReading* plain_reading() const {
    return convert_ || bars_.left_right || bars_.above_below ? nullptr : &to_tensor_.reading();
  }
  bool clamps() const { return clamp_; }

 private:
  // 0 is black in every transfer that networks take.
  void blacken(const Frame& frame, const Region& region, const TensorView& dst) const {
    float* row = dst.as<float>();
    for (int channel = 0; channel < 3; ++channel)
      for (int y = region.y; y < region.bottom(); ++y, row += region.width) {
        if (bars_.above_below && (y < 0 || y >= frame.height)) {
          std::fill_n(row, region.width, 0.0f);
        } else if (bars_.left_right) {
          const int before = std::clamp(-region.x, 0, region.width);
          const int after = std::clamp(region.right() - frame.width, 0, region.width);
          std::fill_n(row, before, 0.0f);
          std::fill_n(row + region.width - after, after, 0.0f);
        }
      }
  }

  FrameToTensor to_tensor_;
  std::optional<ColorConverter> convert_;
  bool clamp_;
  Bars bars_;
};

}  // namespace framelift
