// Any frame as an SDR screen shows it: 8-bit R'G'B'.
#pragma once

#include <optional>

#include "base/result.h"
#include "frame/frame.h"
#include "frame/hdr_metadata.h"
#include "postprocess/resize.h"
#include "postprocess/tensor_to_frame.h"
#include "preprocess/color_convert.h"
#include "preprocess/frame_to_tensor.h"
#include "preprocess/tone_mapper.h"

namespace framelift {

// The colour of `video` pictures as full-range RGB planes: what a renderer, or a network, gets closest to.
ColorInfo as_rgb(ColorInfo video);

// The brightest that PQ content says of itself: MaxCLL, else the mastering display's peak, else 1000 cd/m2; 203..10000.
double content_peak_nits(const HdrMetadata& hdr);

// One thread at a time. All memory is allocated by create().
class SdrRenderer {
 public:
  static constexpr PixelFormat format{ColorFamily::rgb, 8, 0, 0, false};

  // PQ and HLG are tone-mapped to BT.709 (ToneMapper; PQ by the peak that `hdr` states, HLG as on a 1000 cd/m2
  // display); with `tone_map` false their codes are shown as they are. SDR keeps its codes, as players do; wide gamuts
  // (BT.2020, P3) are brought to BT.709's. Linear light is coded as sRGB, clipped at white. Alpha is ignored. Dithered
  // where depth falls. Errors: unsupported (matrix).
  static Result<SdrRenderer> create(const PictureLayout& layout, const HdrMetadata& hdr, bool tone_map);

  // src: as `layout` said. dst: of `format` and the same size, from a FramePool.
  void run(const Frame& src, const Frame& dst);

 private:
  SdrRenderer(FrameToTensor to_tensor, TensorToFrame to_frame, int width);

  FrameToTensor to_tensor_;
  TensorToFrame to_frame_;
  std::optional<ToneMapper> tone_map_;
  std::optional<ColorConverter> convert_;
  Tensor band_;  // a few rows at a time, which the cache holds from one step to the next
};

}  // namespace framelift
