// Input: the .param text, a zero byte, the .bin.
#include <algorithm>

#include "weights/ncnn.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto split = static_cast<size_t>(std::ranges::find(bytes, std::byte{0}) - bytes.begin());
  (void)framelift::parse_ncnn(bytes.first(split), "fuzz.param", bytes.subspan(std::min(split + 1, size)), "fuzz.bin");
  return 0;
}
