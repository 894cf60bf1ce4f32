// A whole file. Checksums would stop nearly every mutation, so they are made right first.
#include <cstring>
#include <vector>

#include "codec/damage_for_test.h"
#include "codec/fnv_info.h"
#include "codec/fnv_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  if (size > framelift::fnv_signature.size()) framelift::test::repair_checksums(bytes);
  const auto reader = framelift::FnvReader::open(framelift::memory_source(bytes, "fuzz.fnv"));
  if (!reader) return 0;
  (void)framelift::fnv_info(*reader);
  (void)reader->group_at(0);
  for (size_t i = 0; i < reader->groups().size(); ++i) (void)reader->read_group(i);
  for (size_t i = 0; i < reader->auxiliaries().size(); ++i)
    (void)reader->read_auxiliary(i, [](std::span<const std::byte>) -> framelift::Status { return {}; });
  return 0;
}
