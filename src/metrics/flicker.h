// Flicker: how unsteady a video's brightness is from frame to frame, and how much of that processing has added.
#pragma once

#include <array>
#include <cstdint>

namespace framelift {

// All in per cent of the luminance, root mean square over time. 0: perfectly steady.
struct FlickerScore {
  double added = 0;    // of the result relative to its source: what the processing has done
  double source = 0;   // of the source by itself
  double result = 0;   // of the result by itself
  int64_t frames = 0;  // that were judged
};

// With Y(t) a frame's mean luminance in cd/m2, L(t) = ln Y(t) for `source` and `result`, and
// L(t) = ln(Y_result(t) / Y_source(t)) for `added`:
//
//   d(t) = L(t) - mean of L(t - 4) .. L(t + 4),   score = 100 sqrt(mean of d(t)^2)
//
// over all frames t whose nine neighbours all belong to the same shot. The model of flicker is a gain that changes from
// frame to frame: van Roosmalen, Lagendijk and Biemond, "Correction of intensity flicker in old film sequences", IEEE
// Transactions on Circuits and Systems for Video Technology 9(7), 1999; its logarithm makes the score that gain's
// coefficient of variation for small variations (Weber's law). Taking the local mean off leaves what is fast enough to
// be seen as flicker (periods of up to about nine frames) and drops fades and drifts, linear ones exactly.
//
//   A still source:           `result` = `added` is the coefficient of variation over time of the result's luminance.
//   A moving or fading one:   `added` is free of it where the result is proportional to its source.
//
// A score of mean luminance sees the whole frame brightening and darkening, not flicker of small parts that cancels.
// A tone curve that is no power law turns changes of content into small changes of the ratio; a curve that is fixed
// therefore scores low but not always 0.
//
// Not thread-safe; allocates nothing.
class FlickerMeter {
 public:
  static constexpr int radius = 4, window = 2 * radius + 1;  // in frames
  // Frames whose source is darker than this are left out and end a shot, as cuts do: ratios of next to nothing say
  // nothing. A result is never taken for darker than a hundredth of it.
  static constexpr double darkest_nits = 0.01;

  // The next frame: mean luminance in cd/m2 of the source and of the result. `cut`: a new shot begins with it.
  void add(double source_nits, double result_nits, bool cut);

  // Of the frames so far; all 0 when no shot had nine of them.
  FlickerScore score() const;

 private:
  struct Frame {
    double source = 0, result = 0;  // logarithms
  };
  std::array<Frame, window> shot_{};                        // its last frames, as a ring
  int64_t length_ = 0;                                      // frames of the shot so far
  double sum_added_ = 0, sum_source_ = 0, sum_result_ = 0;  // of squares
  int64_t judged_ = 0;
};

}  // namespace framelift
