// A picture at another size, for networks that look at the whole frame.
#pragma once

#include <vector>

#include "frame/tensor.h"

namespace framelift {

enum class Reduction : uint8_t {
  // MATLAB's imresize as the SDR-to-HDR networks were trained with: cubic convolution (a = -0.5) widened by the factor,
  // borders mirrored with the edge repeated, size rounded up. Values may leave [0, 1] slightly.
  bicubic,
  // Interpolation between neighbours without a low-pass, half-pixel centres, edges repeated (PyTorch's interpolate with
  // align_corners=False); size rounded down (at least 1).
  bilinear,
};

// Prepared for one size of picture. Not thread-safe: run() uses a line of its own.
class Reducer {
 public:
  // To the `factor`-th part of the size, factor >= 1.
  static Reducer by_factor(int height, int width, int factor, Reduction method);
  // To any size, also a larger one.
  static Reducer to_size(int height, int width, int target_height, int target_width, Reduction method);

  int target_height() const { return y_.targets(); }
  int target_width() const { return x_.targets(); }

  // source: f32 [1,C,height,width]; target: f32 [1,C,target_height(),target_width()]. Allocates nothing.
  void run(const TensorView& source, const TensorView& target);

 private:
  // One axis: every target sample is a weighted sum of `taps` source samples.
  struct Axis {
    int taps = 0;
    std::vector<int> sources;    // taps a target sample, inside the picture
    std::vector<float> weights;  // likewise
    int targets() const { return static_cast<int>(sources.size()) / taps; }
  };
  // `step`: source samples per target sample.
  static Axis make_axis(int size, int targets, double step, Reduction method);

  Reducer(Axis y, Axis x, int width) : y_(std::move(y)), x_(std::move(x)), line_(static_cast<size_t>(width)) {}

  Axis y_, x_;
  std::vector<float> line_;  // a source row's worth
};

}  // namespace framelift
