// From the bytes of a .tflite file to a checked network: its graph is hostile, too.
#include "network/network.h"
#include "weights/tflite.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (auto file = framelift::parse_tflite({reinterpret_cast<const std::byte*>(data), size}, "fuzz.tflite"))
    (void)framelift::make_network(*file);
  return 0;
}
