// Damaged .fnv files, for tests and fuzzing.
#pragma once

#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "codec/fnv.h"
#include "codec/fnv_sections.h"

namespace framelift::test {

// Makes the checksums of all sections right, as far as sections can be told apart: without this they stop nearly every
// mutation.
inline void repair_checksums(std::vector<std::byte>& bytes) {
  for (size_t at = fnv_signature.size(); at < bytes.size() && bytes.size() - at >= section_frame_bytes;) {
    uint64_t size = 0;
    std::memcpy(&size, bytes.data() + at + 4, sizeof size);
    if (size > bytes.size() - at - section_frame_bytes) return;
    const auto covered = std::span(bytes).subspan(at, section_head_bytes + size);
    const uint32_t crc = fnv_crc(0, covered);
    std::memcpy(covered.data() + covered.size(), &crc, sizeof crc);
    at += section_frame_bytes + size;
  }
}

// Cut off somewhere, or one to eight bits turned, or up to sixteen bytes replaced.
inline std::vector<std::byte> mutated(std::vector<std::byte> bytes, std::mt19937& random) {
  const auto below = [&](size_t count) { return random() % count; };
  switch (below(4)) {
    case 0: bytes.resize(below(bytes.size())); break;
    case 1: {
      const size_t at = below(bytes.size()), end = std::min(bytes.size(), at + 1 + below(16));
      for (size_t i = at; i < end; ++i) bytes[i] = static_cast<std::byte>(below(256));
      break;
    }
    default:
      for (size_t flips = 1 + below(8); flips > 0; --flips)
        bytes[below(bytes.size())] ^= static_cast<std::byte>(1U << below(8));
  }
  return bytes;
}

}  // namespace framelift::test
