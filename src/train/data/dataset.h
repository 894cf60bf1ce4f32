// Pictures to learn from: pairs of what a network gets and what it should give.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "frame/tensor.h"

namespace framelift {

// f32 [1,3,H,W] each, finite, in the network's own values. Input and target have one size; for super-resolution the
// target is `scale` times as wide and high.
struct Sample {
  std::string name;
  Tensor input, target;
};

// Thread-safe.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual size_t size() const = 0;
  virtual const std::string& name(size_t i) const = 0;  // i < size()
  // Reads the pair i. Errors name the file.
  virtual Result<Sample> load(size_t i) const = 0;
};

}  // namespace framelift
