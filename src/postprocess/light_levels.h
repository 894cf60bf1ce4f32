// MaxCLL and MaxFALL (CTA-861.3), measured from finished PQ pictures: the codes that the encoder gets.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "frame/frame.h"
#include "frame/hdr_metadata.h"
#include "frame/tensor.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {

// The light of a pixel is the largest of its linear R, G and B in cd/m2, within 0..10000, after chroma is interpolated
// as FrameToTensor does. MaxCLL is the brightest pixel of all frames, MaxFALL the largest mean of a frame. Every pixel
// counts, black bars among them, as the standard has it for the picture that is coded. Not thread-safe; nothing is
// allocated after create().
class LightMeter {
 public:
  // For PQ pictures of this format, colour and width. Errors as FrameToTensor::create.
  static Result<LightMeter> create(const PixelFormat& format, const ColorInfo& color, int width);

  // The current frame's rows 0..finished_rows - 1, luma and chroma, have their final codes; `finished_rows` is even or
  // the whole height. Measures what has become measurable since the last call, so that rows can be measured while the
  // cache holds them. Two rows may wait for the chroma below them; the whole height leaves none.
  void add(const Frame& frame, int finished_rows);
  // All rows of the frame have been added.
  void end_frame();

  int64_t frames() const { return frames_; }
  double max_content_nits() const;                                           // MaxCLL
  double max_frame_average_nits() const { return max_frame_average_nits_; }  // MaxFALL

 private:
  LightMeter(FrameToTensor to_tensor, int reach, int width);

  FrameToTensor to_tensor_;
  int reach_;   // rows that a row's chroma may reach down
  Tensor rgb_;  // a few rows
  int measured_rows_ = 0;
  float max_code_ = 0;
  double sum_nits_ = 0;  // of the current frame
  int64_t frames_ = 0;
  int64_t pixels_ = 0;
  double max_frame_average_nits_ = 0;
};

// What is written into the file. `given` stands where it has values. The rest is the measured levels rounded to whole
// cd/m2, at least 1 because 0 means unknown; and a mastering display assumed from MaxCLL: primaries BT.2020, white
// D65, black 0.0001 cd/m2, peak the first of 1000, 2000, 4000 and 10000 cd/m2 that MaxCLL does not exceed. Before the
// first frame only `given`.
HdrMetadata measured_metadata(const LightMeter& meter, const HdrMetadata& given);

}  // namespace framelift
