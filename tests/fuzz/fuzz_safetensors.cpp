#include "weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)framelift::parse_safetensors({reinterpret_cast<const std::byte*>(data), size}, "fuzz.safetensors");
  return 0;
}
