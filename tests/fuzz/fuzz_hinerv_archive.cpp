// The zip file, its side data and streams; and the arithmetic decoder with any table, which checksums would hide.
#include <cstring>
#include <vector>

#include "weights/hinerv_archive.h"
#include "weights/range_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  (void)framelift::parse_hinerv_archive(bytes, "fuzz.zip");
  if (size < 1 || size - 1 < data[0] * sizeof(float)) return 0;
  std::vector<float> cdf(data[0]);
  std::memcpy(cdf.data(), data + 1, cdf.size() * sizeof(float));
  (void)framelift::decode_range_coded(bytes.subspan(1 + cdf.size() * sizeof(float)), cdf, 4096, "fuzz");
  return 0;
}
