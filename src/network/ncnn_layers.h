// What an ncnn file says about its layers beside their weights: used to make sure that a graph is the one we build.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "weights/weight_file.h"

namespace framelift {

struct NcnnLayer {
  std::string_view name, type;
  std::map<int, std::string_view> attributes;

  // The text of an attribute, or `fallback`.
  std::string_view attribute(int id, std::string_view fallback) const;
};

// In no particular order; views into the file's metadata.
std::vector<NcnnLayer> ncnn_layers(const WeightFile& file);

// Refuses graphs that do more, or other, than 3x3 convolutions with zero padding 1 and LeakyReLU `fused_slope` (or
// nothing) behind them, PReLU, shuffling, nearest-neighbour enlarging, concatenation and weighted sums.
Status check_plain_sr_layers(const WeightFile& file, std::string_view fused_slope);

}  // namespace framelift
