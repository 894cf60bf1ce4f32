// A picture or sequence of linear light into one for SDR screens.
#pragma once

#include <cstdint>

#include "base/cancellation.h"
#include "base/result.h"
#include "color/display_curve.h"
#include "decode/source.h"
#include "encode/sink.h"

namespace framelift {

struct ToneMapJob {
  SourceOptions source;
  SinkOptions sink;  // path, format, encoder and overwrite; the rest is filled in
  DisplayCurve curve = DisplayCurve::reinhard;
  double exposure_ev = 0;
  const Cancellation* cancel = nullptr;  // checked between frames
};

// Runs the job on the calling thread and returns the number of frames written, 8-bit sRGB. Each frame is mapped by its
// own brightest light. Errors: also unsupported (the source is not linear light). A job cancelled before its first
// frame fails with `cancelled`.
Result<int64_t> tone_map_pictures(const ToneMapJob& job);

}  // namespace framelift
