// The unpickler alone: inside a zip file a checksum would stop most mutations before they reach it.
#include "weights/pickle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  framelift::ByteReader reader({reinterpret_cast<const std::byte*>(data), size}, "fuzz.pkl");
  if (auto pickle = framelift::read_pickle(reader)) (void)pickle->find(pickle->root(), "state_dict");
  return 0;
}
