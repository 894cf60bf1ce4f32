// What the numbers of a picture mean. The enumerators are the code points of ITU-T H.273 (= FFmpeg's, = the ones in
// H.264/HEVC/AV1 streams and MP4 'colr' boxes), so that reading and writing tags is a cast and unknown values survive.
#pragma once

#include <cstdint>

namespace framelift {

enum class MatrixCoefficients : uint8_t {
  rgb = 0,  // "identity": the planes are R, G, B
  bt709 = 1,
  unspecified = 2,
  fcc = 4,
  bt470bg = 5,    // BT.601, 625 lines
  smpte170m = 6,  // BT.601, 525 lines; same coefficients as bt470bg
  smpte240m = 7,
  ycgco = 8,
  bt2020_ncl = 9,
  bt2020_cl = 10,
  ictcp = 14,
};

enum class TransferCharacteristic : uint8_t {
  bt709 = 1,
  unspecified = 2,
  gamma22 = 4,
  gamma28 = 5,
  smpte170m = 6,
  smpte240m = 7,
  linear = 8,
  srgb = 13,
  bt2020_10 = 14,
  bt2020_12 = 15,
  pq = 16,   // SMPTE ST 2084
  hlg = 18,  // ARIB STD-B67
};

enum class ColorPrimaries : uint8_t {
  bt709 = 1,
  unspecified = 2,
  bt470bg = 5,
  smpte170m = 6,
  smpte240m = 7,
  bt2020 = 9,
  dci_p3 = 11,
  display_p3 = 12,
};

enum class ColorRange : uint8_t { unspecified = 0, limited = 1, full = 2 };

// Where a chroma sample sits relative to the luma samples (H.273 ChromaLocType + 1; FFmpeg's AVChromaLocation).
enum class ChromaLocation : uint8_t {
  unspecified = 0,
  left = 1,     // MPEG-2, H.264 default: on the left luma column, between rows
  center = 2,   // MPEG-1, JPEG
  top_left = 3  // BT.2020 / UHD: on the top left luma sample
};

struct ColorInfo {
  MatrixCoefficients matrix = MatrixCoefficients::unspecified;
  TransferCharacteristic transfer = TransferCharacteristic::unspecified;
  ColorPrimaries primaries = ColorPrimaries::unspecified;
  ColorRange range = ColorRange::unspecified;
  ChromaLocation chroma_location = ChromaLocation::unspecified;

  friend bool operator==(const ColorInfo&, const ColorInfo&) = default;
};

}  // namespace framelift
