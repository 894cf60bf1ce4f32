// The confidence of a finished picture, as a plane of it.
#pragma once

#include <optional>

#include "frame/frame.h"
#include "postprocess/resize.h"
#include "preprocess/picture_reader.h"

namespace framelift {

// One thread at a time.
class FrameConfidence {
 public:
  // `source`: frames as they are decoded; `meant`: what transfer and primaries they count as, SDR; `picture`: linear
  // light as R, G, B and one more plane, of floats. Where the sizes differ, the source is resized. Errors: unsupported
  // (`picture` is something else, `meant` is HDR).
  static Result<FrameConfidence> create(const PictureLayout& source, const ColorInfo& meant,
                                        const PictureLayout& picture);

  // Fills the last plane of `picture` with expansion_confidence() of the source and the picture's light.
  Status run(const Frame& source, const Frame& picture);

 private:
  FrameConfidence(PictureReader reader, int width);
  void fill_rows(const Frame& source, const Frame& picture, const Region& rows);

  std::optional<Resizer> resizer_;
  Frame resized_;  // with `resizer_`
  PictureReader reader_;
  Tensor before_, after_, confidence_;  // some rows
};

}  // namespace framelift
