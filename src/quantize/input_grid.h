// Which integers stand for a layer's input.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "graph/graph.h"

namespace framelift {

enum class RangeMethod : uint8_t {
  min_max,     // everything that was seen
  percentile,  // all but the outermost values
  mse,         // the range with the least mean squared error between values and what stands for them
};
Result<RangeMethod> parse_range_method(std::string_view text);  // "minmax", "percentile", "mse"

struct RangeOptions {
  RangeMethod method = RangeMethod::mse;
  double percentile = 0.9999;  // share of the values inside, of RangeMethod::percentile
  bool symmetric = false;      // integers from -128 to 127 instead of 256 from wherever values begin
};

struct InputGrid {
  FakeQuantize grid;
  float scale = 1;
};
// `samples`: of all values that the layer reads; not empty, finite. 0 is always one of the grid's values.
InputGrid choose_input_grid(std::span<const float> samples, const RangeOptions& options);

}  // namespace framelift
