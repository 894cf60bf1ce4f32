// Tensors of one network as entropy-coded bytes. The format is specified in docs/fnv-format.md, "Tensor data".
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "codec/quantized_tensor.h"

namespace framelift {

inline constexpr int64_t max_stored_values = int64_t{1} << 27;

// A weight under its name: quantised, or float32 or float16 as it is.
struct StoredTensor {
  std::string name;
  std::variant<QuantizedTensor, Tensor> content;
};

// What a decoder must know of a tensor beforehand.
struct TensorLayout {
  std::string name;
  Shape shape;         // every dimension at least 1
  int bits = 32;       // 2..12: quantised; 16: halves as they are; 32: floats as they are
  int axis = no_axis;  // of quantised tensors

  friend bool operator==(const TensorLayout&, const TensorLayout&) = default;
};

std::vector<TensorLayout> layout_of(std::span<const StoredTensor> tensors);

// Names differ, shapes, bits and axes are possible, and all together hold at most max_stored_values. `file` opens error
// messages. Errors: invalid_data.
Status check_layout(std::span<const TensorLayout> layout, std::string_view file);

// The bytes are a function of the tensors alone. Errors: as check_layout(), with the network for a file; and
// invalid_argument for contents that contradict their own description.
Result<std::vector<std::byte>> encode_tensors(std::span<const StoredTensor> tensors);

// The tensors of `layout`, which check_layout() has passed. `file` opens error messages. Memory and time grow with what
// the bytes hold, not with what the layout promises. Errors: invalid_data.
Result<std::vector<StoredTensor>> decode_tensors(std::span<const TensorLayout> layout, std::span<const std::byte> bytes,
                                                 std::string_view file);

}  // namespace framelift
