// What an .fnv file holds: a video as networks, one for each group of pictures. docs/fnv-format.md specifies its bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rational.h"
#include "base/result.h"
#include "codec/tensor_coder.h"
#include "color/color_info.h"
#include "frame/hdr_metadata.h"
#include "frame/pixel_format.h"

namespace framelift {

// Key and value, UTF-8, in the file's order.
using FnvTexts = std::vector<std::pair<std::string, std::string>>;

struct FnvHeader {
  // The picture, and where it lies in what the networks give: they may need larger sizes. 1 to 65535 each.
  int width = 0, height = 0;
  int coded_width = 0, coded_height = 0;
  int left = 0, top = 0;
  PixelFormat format;  // of the coded signal; 8 to 16 bits
  ColorInfo color;
  Rational sample_aspect_ratio{1, 1};
  Rational time_base{1, 25};
  Rational frame_rate{0, 1};  // nominal; 0: unknown. Frames have times of their own.
  std::optional<std::array<int32_t, 9>> display_matrix;
  HdrMetadata hdr;
  FnvTexts metadata;
};

// In FnvHeader::time_base. The frames of a file are in the order of their display.
struct FnvFrameTime {
  int64_t pts = 0;
  int64_t duration = 0;  // not negative; 0: unknown

  friend bool operator==(const FnvFrameTime&, const FnvFrameTime&) = default;
};

// The shape of one or more groups' networks. What the configuration means is the network's matter.
struct FnvNetwork {
  FnvTexts configuration;
  std::vector<TensorLayout> layout;

  friend bool operator==(const FnvNetwork&, const FnvNetwork&) = default;
};

struct FnvGroup {
  FnvTexts configuration;
  std::vector<FnvFrameTime> times;  // one for each frame, 1 to max_group_frames; pts never decreases
  std::vector<StoredTensor> tensors;
};

// The kind of the auxiliary section with the source's other streams.
inline constexpr std::string_view fnv_streams_kind = "matroska";

inline constexpr int64_t max_fnv_time = int64_t{1} << 60;  // of pts on both sides of 0, and of durations
inline constexpr size_t max_group_frames = size_t{1} << 20;

}  // namespace framelift
