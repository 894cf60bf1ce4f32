// Metadata messages against bytes written down by hand from the standards, and against hostile bytes.
#include "encode/hdr_bitstream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <random>

namespace framelift {
namespace {

using Buffer = std::vector<uint8_t>;

Buffer join(std::initializer_list<Buffer> parts) {
  Buffer all;
  for (const Buffer& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

HdrMetadata sample_metadata() {
  HdrMetadata metadata;
  metadata.mastering_display.emplace();
  metadata.mastering_display->primaries = {{{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}}};
  metadata.mastering_display->white_point = {0.3127, 0.3290};
  metadata.mastering_display->max_nits = 1000;
  metadata.mastering_display->min_nits = 0.0001;
  metadata.content_light = {768, 3};
  return metadata;
}

// Both messages: green, blue, red, white in 1/50000; 1000 and 0.0001 in 1/10000; 768 and 3. Emulation prevention
// (03) falls into the black level and between MaxCLL and MaxFALL (03 00 00 03).
const Buffer hevc_sei{0,    0,    0,    1,    0x4e, 0x01, 137,  24,   0x21, 0x34, 0x9b, 0xaa, 0x19, 0x96,
                      0x08, 0xfc, 0x8a, 0x48, 0x39, 0x08, 0x3d, 0x13, 0x40, 0x42, 0x00, 0x98, 0x96, 0x80,
                      0x00, 0x00, 0x03, 0x00, 0x01, 144,  4,    0x03, 0x00, 0x00, 0x03, 0x03, 0x80};
const Buffer aud{0, 0, 0, 1, 0x46, 0x01, 0x50}, sps{0, 0, 0, 1, 0x42, 0x01, 0x01, 0x02, 0x03};
const Buffer slice{0, 0, 1, 0x28, 0x01, 0xaf, 0, 0, 3, 1, 0x4e, 0, 0, 1, 0x4e, 1, 144, 4};  // the rest is not looked at

Buffer rewritten(HdrBitstream kind, const Buffer& packet, const HdrMetadata& metadata, bool expect_written) {
  Buffer out{1, 2, 3};
  EXPECT_EQ(rewrite_hdr_metadata(kind, packet, metadata, out), expect_written);
  return out;
}

TEST(HdrBitstream, HevcMessagesStandBeforeThePicture) {
  EXPECT_EQ(rewritten(HdrBitstream::hevc, join({aud, sps, slice}), sample_metadata(), true),
            join({aud, sps, hevc_sei, slice}));
}

TEST(HdrBitstream, HevcMessagesAreReplacedAndOthersStay) {
  const Buffer other{0, 0, 1, 0x4e, 0x01, 1, 3, 7, 0, 0, 0x80};
  // 255 + 45 = 300 is some other type; then an old content light message, and one of size 2.
  const Buffer mixed{0, 0, 0, 1, 0x4e, 0x01, 255, 45, 1, 9, 144, 4, 1, 2, 3, 4, 5, 2, 0, 0, 3, 0x80};
  const Buffer mixed_left{0, 0, 0, 1, 0x4e, 0x01, 255, 45, 1, 9, 5, 2, 0, 0, 0x80};
  EXPECT_EQ(rewritten(HdrBitstream::hevc, join({aud, hevc_sei, other, mixed, slice}), sample_metadata(), true),
            join({aud, {0}, other, mixed_left, hevc_sei, slice}));
}

TEST(HdrBitstream, WithoutMetadataOldMessagesGo) {
  EXPECT_EQ(rewritten(HdrBitstream::hevc, join({sps, hevc_sei}), {}, false), join({sps, {0}}));
  EXPECT_EQ(rewritten(HdrBitstream::hevc, join({hevc_sei, slice}), {}, false), join({{0}, slice}));
  EXPECT_EQ(rewritten(HdrBitstream::hevc, join({aud, slice}), {}, false), join({aud, slice}));
}

TEST(HdrBitstream, H264) {
  Buffer sei = hevc_sei;
  sei.erase(sei.begin() + 5);
  sei[4] = 6;
  const Buffer delimiter{0, 0, 0, 1, 9, 0x10}, idr{0, 0, 1, 0x65, 0x88, 0x84};
  EXPECT_EQ(rewritten(HdrBitstream::h264, join({delimiter, idr}), sample_metadata(), true),
            join({delimiter, sei, idr}));
  EXPECT_EQ(rewritten(HdrBitstream::h264, join({delimiter, sei, idr}), sample_metadata(), true),
            join({delimiter, {0}, sei, idr}));
}

TEST(HdrBitstream, Av1) {
  const Buffer delimiter{0x12, 0}, sequence{0x0a, 3, 1, 2, 3}, frame{0x32, 2, 5, 6, 0x32, 0x01, 7};
  const Buffer itut_t35{0x2a, 3, 4, 1, 0x80};
  const Buffer light{0x2a, 6, 1, 0x03, 0x00, 0x00, 0x03, 0x80};
  // 0.16, 24.8 and 18.14 fixed point; red, green, blue, white.
  const Buffer display{0x2a, 26,   2,    0xb5, 0x3f, 0x4a, 0xc1, 0x2b, 0x85, 0xcc, 0x08, 0x21, 0x89, 0x0b,
                       0xc7, 0x50, 0x0d, 0x54, 0x39, 0x00, 0x03, 0xe8, 0x00, 0x00, 0x00, 0x00, 0x02, 0x80};
  const Buffer wanted = join({delimiter, sequence, itut_t35, light, display, frame});
  const Buffer once =
      rewritten(HdrBitstream::av1, join({delimiter, sequence, itut_t35, frame}), sample_metadata(), true);
  EXPECT_EQ(once, wanted);
  EXPECT_EQ(rewritten(HdrBitstream::av1, once, sample_metadata(), true), wanted);
  EXPECT_EQ(rewritten(HdrBitstream::av1, once, {}, false), join({delimiter, sequence, itut_t35, frame}));
}

TEST(HdrBitstream, NonsenseIsCopied) {
  const HdrMetadata metadata = sample_metadata();
  for (const Buffer& bytes : std::initializer_list<Buffer>{{},
                                                           {0},
                                                           {0, 0, 1},
                                                           {0, 0, 1, 0x4e},
                                                           {0, 0, 1, 0x4e, 1},
                                                           {0, 0, 1, 0x4e, 1, 144},
                                                           {0, 0, 1, 0x4e, 1, 144, 4, 1, 2, 3},
                                                           {0, 0, 1, 0x4e, 1, 255, 255, 255},
                                                           {0, 0, 1, 0x4e, 1, 137, 255, 255, 1, 0x80},
                                                           {0, 0, 1, 0x4e, 1, 0, 0, 0},
                                                           {9, 9, 9, 9}})
    EXPECT_EQ(rewritten(HdrBitstream::hevc, bytes, metadata, false), bytes);
  for (const Buffer& bytes : std::initializer_list<Buffer>{{},
                                                           {0x81, 0x05, 0x0c, 0},  // an av1C record
                                                           {0x12},
                                                           {0x16},
                                                           {0x0a, 0xff, 0xff, 0xff},
                                                           {0x0a, 9, 1},
                                                           {0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0},
                                                           {0x08, 1, 2, 3}})
    EXPECT_EQ(rewritten(HdrBitstream::av1, bytes, metadata, false), bytes);
}

TEST(HdrBitstream, DamagedPacketsAreTakenAndTheResultIsStable) {
  std::mt19937 random(5);
  const Buffer packets[] = {join({aud, sps, hevc_sei, {0, 0, 1, 0x4e, 1, 5, 2, 0, 0, 3, 0x80}, slice}),
                            {0x12, 0, 0x0a, 3, 1, 2, 3, 0x2a, 6, 1, 3, 0, 0, 3, 0x80, 0x32, 2, 5, 6}};
  Buffer once, twice;
  for (int i = 0; i < 60000; ++i) {
    Buffer packet = packets[i % 2];
    for (unsigned n = random() % 4; n > 0; --n) packet[random() % packet.size()] = static_cast<uint8_t>(random() % 160);
    packet.resize(random() % 3 ? packet.size() : random() % packet.size());
    const HdrBitstream kind = i % 2 ? HdrBitstream::av1 : i % 4 ? HdrBitstream::h264 : HdrBitstream::hevc;
    const bool written = rewrite_hdr_metadata(kind, packet, sample_metadata(), once);
    ASSERT_LE(once.size(), packet.size() + 64);
    // A second time replaces what the first wrote; only zeros that may stand between NAL units grow in number.
    if (!written) continue;
    ASSERT_TRUE(rewrite_hdr_metadata(kind, once, sample_metadata(), twice));
    const auto others = [](const Buffer& b) { return b.size() - static_cast<size_t>(std::ranges::count(b, 0)); };
    ASSERT_EQ(others(once), others(twice));
  }
}

}  // namespace
}  // namespace framelift
