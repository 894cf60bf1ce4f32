// From the bytes of a safetensors file to a checked network: names and shapes are hostile, too.
#include "network/network.h"
#include "weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (auto file = framelift::parse_safetensors({reinterpret_cast<const std::byte*>(data), size}, "fuzz.safetensors"))
    (void)framelift::make_network(*file);
  return 0;
}
