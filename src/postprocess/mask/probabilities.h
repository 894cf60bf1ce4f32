// Probabilities of classes: from a network's output, steady over time, without specks.
#pragma once

#include <cstdint>
#include <vector>

#include "frame/region.h"
#include "frame/tensor.h"
#include "network/network.h"

namespace framelift {

// `output`: f32 [1,planes,H,W] as `kind` says, scores or a probability; `region` of it becomes `probabilities`, f32
// [1,C,region.height,region.width], C = planes, or 2 for a probability. They are positive and add up to 1 everywhere;
// scores that are no numbers count as even chances.
void to_probabilities(const TensorView& output, OutputKind kind, const Region& region, const TensorView& probabilities);

// Each pixel's most probable class, the first of equals. `labels`: one for each pixel.
void most_probable(const TensorView& probabilities, std::vector<uint8_t>& labels);

// Smoothing over time that does not drag behind what moves: the past counts for `strength`, 0 to below 1, where the
// network is undecided, and not at all where it is sure. One thread at a time.
class ProbabilitySmoother {
 public:
  explicit ProbabilitySmoother(float strength) : strength_(strength) {}

  // In place; `cut`: a new scene begins, without a past.
  void run(const TensorView& probabilities, bool cut);

 private:
  float strength_;
  std::vector<float> past_;
};

// Fills holes and removes specks: every connected region (by edges) of one class with fewer than `min_pixels` gets the
// class that borders most on it, which trades its probability with the old one. One thread at a time.
class RegionCleaner {
 public:
  explicit RegionCleaner(int min_pixels) : min_pixels_(min_pixels) {}
  void run(const TensorView& probabilities);

 private:
  int min_pixels_;
  std::vector<uint8_t> labels_, visited_;
  std::vector<int> region_;      // pixels of the region at hand
  std::vector<int> neighbours_;  // how often each class borders on it
};

}  // namespace framelift
