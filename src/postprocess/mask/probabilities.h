// Probabilities of classes: from a network's output, without specks.
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
