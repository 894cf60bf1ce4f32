// Both containers: the zip file, and the bare pickle stream before PyTorch 1.6.
#include "weights/pytorch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)framelift::parse_pytorch({reinterpret_cast<const std::byte*>(data), size}, "fuzz.pth");
  return 0;
}
