// The sizes of one job: from the source's frames to the picture the network sees, and on to the output.
#pragma once

#include "base/rational.h"
#include "base/result.h"
#include "decode/source.h"
#include "frame/region.h"
#include "pipeline/video_job.h"

namespace framelift {

// Sizes in pixels.
struct SizePlan {
  int input_width = 0, input_height = 0;  // of what the network sees: the picture, with bars when it is letterboxed
  Region picture;                         // where the source's picture lies in it, after resizing; x and y are even
  Region kept;                            // the part of the network's output for it that goes on
  int output_width = 0, output_height = 0;
  bool resize_input = false;     // the source's frames are resized to the picture's size before the network
  bool resize = false;           // the network's output is resized to the output's size
  Rational aspect_change{1, 1};  // the output's sample aspect ratio / the source's; not 1 only for stretched pictures

  bool bars_left_right() const { return picture.width < input_width; }
  bool bars_above_below() const { return picture.height < input_height; }
};

// Follows the options of `job` named in VideoJob as sizes. Sizes that are chosen here are even for video, which
// encoders with subsampled chroma want, and whatever comes out of rounding for stills. `scale`: of the network. Errors:
// invalid_argument, unsupported (beyond max_picture_edge).
Result<SizePlan> plan_sizes(const VideoJob& job, const VideoInfo& source, int scale);

// The aspect ratio of a sample whose picture was stretched. An unknown ratio (0/1) counts as square, and stays unknown
// when nothing changes.
Rational stretched_aspect(Rational sample_aspect_ratio, Rational change);

}  // namespace framelift
