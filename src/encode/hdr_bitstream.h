// Static HDR metadata inside coded video: SEI messages of HEVC and H.264, metadata OBUs of AV1; and the colour tags of
// PNG. Bytes in, bytes out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "color/color_info.h"
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

// Copies a PNG file to `out` with a cICP chunk (PNG, third edition, 11.3.2.6: H.273 code points) behind its header.
// False, with `out` undefined: it has one already, or is no PNG.
bool insert_png_cicp(std::span<const uint8_t> png, const ColorInfo& color, std::vector<uint8_t>& out);

}  // namespace framelift
