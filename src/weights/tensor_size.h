// Sizes of tensors declared by untrusted files, computed without overflow.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "frame/tensor.h"

namespace framelift {

// Bytes of a dense tensor, or nothing when a dimension is negative or the product does not fit.
inline std::optional<uint64_t> checked_tensor_bytes(std::span<const int64_t> dims, DType dtype) {
  // A zero hides the other dimensions from the product, but Shape::elements() multiplies them all: bound that too.
  int64_t bytes = static_cast<int64_t>(dtype_size(dtype));
  bool zero = false;
  for (int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) zero = true;
    if (dim != 0 && __builtin_mul_overflow(bytes, dim, &bytes)) return std::nullopt;
  }
  return zero ? 0 : static_cast<uint64_t>(bytes);
}

}  // namespace framelift
