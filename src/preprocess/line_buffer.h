// Scratch rows of the pixel converters.
#pragma once

#include "frame/tensor.h"

namespace framelift {

// `count` rows of at least `floats` floats each, 64-byte aligned, `*stride` floats apart, readable for a vector's
// length behind the last one. The memory belongs to the calling thread, is shared by all converters on it, grows to the
// largest request and stays.
inline float* line_buffers(int count, int floats, size_t* stride) {
  thread_local Tensor storage;
  constexpr size_t longest_vector = 64;  // floats; SVE, 2048 bits
  *stride = (static_cast<size_t>(floats) + 31) / 16 * 16;
  const auto needed = static_cast<int64_t>(static_cast<size_t>(count) * *stride + longest_vector);
  if (storage.elements() < needed) storage = Tensor(DType::f32, {needed});
  return storage.as<float>();
}

}  // namespace framelift
