// RGB tensors between transfer curves and primaries: what a network expects from what a file holds, and HDR10's PQ to
// HLG. Display-referred: both sides show the same light on their reference displays.
#pragma once

#include <optional>

#include "base/result.h"
#include "color/color_info.h"
#include "frame/tensor.h"
#include "preprocess/color_convert_kernels.h"

namespace framelift {

// Prepared for one pair of colours; immutable afterwards, so any number of threads may call it.
class ColorConverter {
 public:
  // Between SDR curves, between PQ and HLG, or from linear light to PQ, which shows 1 as HDR Reference White (203
  // cd/m2, Report BT.2408) and clips below 0 and at 10000 cd/m2; transfer and primaries of both are specified (see
  // resolve_color), the other members do not matter. Nothing: both are the same, there is nothing to do. Every SDR
  // camera curve (BT.709, BT.601, BT.2020, SMPTE 240M) is made for the BT.1886 display and counts as the same.
  // Out-of-gamut colours are clipped; SDR results stay in what a limited-range code can hold (-0.07..1.09), unless they
  // are linear light, which nothing clips. Signals beyond -64..64 count as that. `peak_nits`: peak of the HLG display,
  // which sets its system gamma; PQ light beyond it is clipped. Errors: invalid_argument (unspecified members,
  // peak_nits out of 100..10000), unsupported (SDR from or to HDR, which is tone mapping; HLG without BT.2020
  // primaries).
  static Result<std::optional<ColorConverter>> create(const ColorInfo& from, const ColorInfo& to,
                                                      double peak_nits = 1000);

  // In place on f32 [1, 3, h, w]. A pixel's value does not depend on its place. NaN becomes black. Allocates nothing.
  void run(const TensorView& rgb) const;
  // The same on n pixels of three rows.
  void run(size_t n, float* const (&rgb)[3]) const { convert_color_row(plan_, n, rgb); }

 private:
  ColorConverter() = default;
  ColorPlan plan_;
};

}  // namespace framelift
