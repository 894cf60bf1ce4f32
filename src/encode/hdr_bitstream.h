// Static HDR metadata inside coded video: SEI messages of HEVC and H.264, metadata OBUs of AV1. Bytes in, bytes out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "frame/hdr_metadata.h"

namespace framelift {

enum class HdrBitstream { hevc, h264, av1 };

// Copies one packet as encoders deliver it (HEVC, H.264: Annex B; AV1: a temporal unit of OBUs with sizes) to `out`,
// with every mastering display and content light message left out and, where `metadata` has them and the packet holds
// a picture, written anew before that picture. `out` is replaced; its capacity is kept.
// Returns whether the messages were written. Bytes that make no sense are copied as they are, and then nothing is
// written; with no picture in it (parameter sets), a packet only loses its old messages.
bool rewrite_hdr_metadata(HdrBitstream kind, std::span<const uint8_t> packet, const HdrMetadata& metadata,
                          std::vector<uint8_t>& out);

}  // namespace framelift
