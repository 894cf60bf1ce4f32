// Tensor data alone, under layouts that reach every part of the decoder: depths, axes, ranks, plain numbers.
#include "codec/tensor_coder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using framelift::no_axis, framelift::TensorLayout;
  static const std::vector<TensorLayout> layout = {
      {"lines", {24, 5}, 6, 0}, {"grid", {6, 4, 3}, 8, no_axis}, {"fine", {30}, 12, 0},
      {"one", {}, 2, no_axis},  {"half", {3}, 16, no_axis},      {"huge", {1 << 20}, 4, no_axis},
  };
  (void)framelift::decode_tensors(layout, {reinterpret_cast<const std::byte*>(data), size}, "fuzz.fnv");
  return 0;
}
