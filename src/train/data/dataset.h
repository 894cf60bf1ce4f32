// What training sees of its data: pictures, with what should be made of them, by number.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "frame/tensor.h"

namespace framelift {

// What a network gets, and what it should make of it: both f32 [1, 3, H, W], R, G, B. Of the same size, or, for
// super-resolution, the target a whole number of times larger on both axes; empty where a teacher makes it.
struct Sample {
  std::string name;
  Tensor input, target;
  Tensor frame_vector{};  // [1, C], of networks that also take what their frame graph says of the whole picture
};

// Thread-safe: any number of threads may load at once.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual size_t size() const = 0;
  // Unique within the dataset, and the same whatever else the dataset holds. i < size().
  virtual const std::string& name(size_t i) const = 0;
  // The whole picture. Errors name the file.
  virtual Result<Sample> load(size_t i) const = 0;
};

}  // namespace framelift
