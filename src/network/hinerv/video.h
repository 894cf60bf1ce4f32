// A video that is a network: what every kind of file with one gives to whoever plays it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/rational.h"
#include "base/result.h"
#include "color/color_info.h"
#include "frame/pixel_format.h"
#include "network/hinerv/weights.h"

namespace framelift {

struct HinervVideo {
  std::string name;  // of the file, for messages
  HinervConfig config;
  Parameters parameters;      // of build_hinerv's graphs
  int width = 0, height = 0;  // of the picture
  int left = 0, top = 0;      // where it begins in what the network paints
  // What the network was made from, and what its R'G'B' turns into for a sink that asks for nothing else.
  PixelFormat format{ColorFamily::yuv, 8, 1, 1, false};
  ColorInfo color{MatrixCoefficients::bt709, TransferCharacteristic::bt709, ColorPrimaries::bt709, ColorRange::limited,
                  ChromaLocation::left};
  Rational sample_aspect_ratio{1, 1};
  Rational frame_rate{25, 1};
  Rational time_base{1, 25};
  std::vector<int64_t> times;  // of each frame, in the time base, rising; empty: 0, 1, 2, ...
};

// A file of the authors' program: compressed (Q6.zip) or a state dict (.pth, .safetensors). Such files say nothing
// about colour and time: the frames are taken for BT.709 at `frame_rate`. Errors: as read_weights, detect_hinerv and
// hinerv_parameters.
Result<HinervVideo> read_hinerv_video(const std::filesystem::path& path, const HinervUnseen& unseen,
                                      Rational frame_rate);

}  // namespace framelift
