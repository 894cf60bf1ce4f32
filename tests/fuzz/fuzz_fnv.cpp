// A whole file. Checksums would stop nearly every mutation, so they are made right first.
#include <cstring>
#include <vector>

#include "codec/fnv_info.h"
#include "codec/fnv_reader.h"

using framelift::section_frame_bytes, framelift::section_head_bytes;

static void repair_checksums(std::vector<std::byte>& bytes) {
  for (size_t at = framelift::fnv_signature.size(); bytes.size() - at >= section_frame_bytes && at < bytes.size();) {
    uint64_t size;
    std::memcpy(&size, bytes.data() + at + 4, sizeof size);
    if (size > bytes.size() - at - section_frame_bytes) return;
    const auto covered = std::span(bytes).subspan(at, section_head_bytes + size);
    const uint32_t crc = framelift::fnv_crc(0, covered);
    std::memcpy(covered.data() + covered.size(), &crc, sizeof crc);
    at += section_frame_bytes + size;
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  if (size > framelift::fnv_signature.size()) repair_checksums(bytes);
  const auto reader = framelift::FnvReader::open(framelift::memory_source(bytes, "fuzz.fnv"));
  if (!reader) return 0;
  (void)framelift::fnv_info(*reader);
  (void)reader->group_at(0);
  for (size_t i = 0; i < reader->groups().size(); ++i) (void)reader->read_group(i);
  for (size_t i = 0; i < reader->auxiliaries().size(); ++i)
    (void)reader->read_auxiliary(i, [](std::span<const std::byte>) -> framelift::Status { return {}; });
  return 0;
}
