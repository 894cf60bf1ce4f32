// Frame -> network input: pixel format and, where the network was made for other colours, transfer and primaries.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "color/transfer.h"
#include "network/network.h"
#include "preprocess/color_convert.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {

// Black bars beside the picture: on these axes a region that reaches beyond the picture reads black there instead of
// the picture's reflection.
struct Bars {
  bool left_right = false, above_below = false;
};

// What a file's codes count as for a network that takes `wanted`: what the file says, and where it says nothing, what
// such networks were trained on. For those that are fed linear light that was sRGB.
inline ColorInfo counted_as(ColorInfo tagged, const ColorInfo& wanted) {
  if (tagged.transfer == TransferCharacteristic::unspecified)
    tagged.transfer = is_linear(wanted) ? TransferCharacteristic::srgb : wanted.transfer;
  if (tagged.primaries == ColorPrimaries::unspecified) tagged.primaries = wanted.primaries;
  return tagged;
}

// Immutable; any number of threads may call it.
class PictureReader {
 public:
  // For frames of `format`. `tagged`: colours as the file says; `resolved`: with what it leaves out. `wanted`: those
  // that the network was made for, to which SDR is converted; HDR keeps its own. Errors: those of the two converters.
  static Result<PictureReader> create(PixelFormat format, const ColorInfo& tagged, const ColorInfo& resolved,
                                      const std::optional<ColorInfo>& wanted, Bars bars = {}) {
    FL_TRY(auto to_tensor, FrameToTensor::create(format, resolved));
    std::optional<ColorConverter> convert;
    if (wanted && !is_hdr(resolved.transfer)) {
      FL_TRY(convert, ColorConverter::create(counted_as(tagged, *wanted), *wanted));
    }
    return PictureReader(std::move(to_tensor), std::move(convert), wanted.has_value(), bars);
  }

  // `clamp`: to [0, 1], for networks trained on pictures of that range. YUV video holds values outside of it (foot- and
  // headroom, colours beyond the RGB cube), from which such networks make colours nobody has seen.
  PictureReader(FrameToTensor to_tensor, std::optional<ColorConverter> convert, bool clamp, Bars bars = {})
      : to_tensor_(std::move(to_tensor)), convert_(std::move(convert)), clamp_(clamp), bars_(bars) {}

  // As FrameToTensor::run, in the network's colours.
  void run(const Frame& frame, const Region& region, const TensorView& dst) const {
    to_tensor_.run(frame, region, dst);
    if (convert_) convert_->run(dst);
    if (clamp_) clamp(dst.f32());
    if (bars_.left_right || bars_.above_below) blacken(frame.width, frame.height, region, dst);
  }

  // A row of a picture, without bars beside it.
  void run_row(const Frame& row, const PlanarRgb& dst) const {
    to_tensor_.run(row, {0, 0, row.width, 1}, dst);
    float* const planes[3] = {dst.first, dst.first + dst.plane, dst.first + 2 * dst.plane};
    if (convert_) convert_->run(static_cast<size_t>(row.width), planes);
    for (float* plane : planes)
      if (clamp_) clamp({plane, static_cast<size_t>(row.width)});
  }

  // After run_row() for all rows of a picture of width x height, whose first pixel is at 0, 0: what of `region`, which
  // holds all of the picture, lies beyond it.
  void complete(int width, int height, const Region& region, const TensorView& dst) const {
    for (int channel = 0; channel < 3; ++channel) {
      float* const plane = dst.as<float>() + int64_t{channel} * region.width * region.height;
      const auto row = [&](int y) { return plane + int64_t{y - region.y} * region.width; };
      for (int y = 0; y < height; ++y) {
        const auto reflected = [&](int x) { row(y)[x - region.x] = row(y)[reflect(x, width) - region.x]; };
        for (int x = region.x; x < 0; ++x) reflected(x);
        for (int x = width; x < region.right(); ++x) reflected(x);
      }
      const auto reflected_row = [&](int y) { std::copy_n(row(reflect(y, height)), region.width, row(y)); };
      for (int y = region.y; y < 0; ++y) reflected_row(y);
      for (int y = height; y < region.bottom(); ++y) reflected_row(y);
    }
    if (bars_.left_right || bars_.above_below) blacken(width, height, region, dst);
  }

  // For devices that do it themselves: how samples become signals, if that is all there is to do.
  const PixelReading* plain_reading() const {
    return convert_ || bars_.left_right || bars_.above_below ? nullptr : &to_tensor_.reading();
  }
  bool clamps() const { return clamp_; }

 private:
  static void clamp(std::span<float> values) {
    for (float& v : values) v = v > 0 ? (v < 1 ? v : 1) : 0;
  }

  // 0 is black in every transfer that networks take.
  void blacken(int width, int height, const Region& region, const TensorView& dst) const {
    float* row = dst.as<float>();
    for (int channel = 0; channel < 3; ++channel)
      for (int y = region.y; y < region.bottom(); ++y, row += region.width) {
        if (bars_.above_below && (y < 0 || y >= height)) {
          std::fill_n(row, region.width, 0.0f);
        } else if (bars_.left_right) {
          const int before = std::clamp(-region.x, 0, region.width);
          const int after = std::clamp(region.right() - width, 0, region.width);
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
