// Input: a byte that picks the codec and whether metadata is written, then a packet.
#include "encode/hdr_bitstream.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  framelift::HdrMetadata metadata;
  if (data[0] & 4) {
    metadata.mastering_display.emplace();
    metadata.content_light = {1000, 100};
  }
  std::vector<uint8_t> out;
  const auto kind = static_cast<framelift::HdrBitstream>(data[0] % 4 % 3);
  (void)framelift::rewrite_hdr_metadata(kind, {data + 1, size - 1}, metadata, out);
  return 0;
}
