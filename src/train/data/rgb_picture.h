// Whole pictures from files into tensors and back, as training data needs them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "color/color_info.h"
#include "frame/pixel_format.h"
#include "frame/tensor.h"

namespace framelift {

// R, G, B in [1, 3, H, W]: 0 = black, 1 = white of the picture's own transfer; linear light as the file has it.
struct RgbPicture {
  Tensor rgb;
  ColorInfo color;  // nothing unspecified
};

// The first frame of whatever open_source reads, turned upright. Errors: those of open_source, naming the file.
Result<RgbPicture> read_rgb_picture(const std::string& path);

// Light relative to SDR white, in BT.709 primaries, in place. Linear pictures keep their scale; SDR curves go through
// the EOTF of their display; PQ and HLG (shown at 1000 cd/m2) count 203 cd/m2 as white (Report ITU-R BT.2408-7, HDR
// Reference White). Colours outside of BT.709 become negative.
void to_linear_light(RgbPicture& picture);

// NaN -> 0, +infinity -> 10, -infinity -> 0.
void replace_non_finite(const TensorView& values);

struct PictureEncoding {
  PixelFormat format;        // what the picture is worth; the encoder takes the closest that it can write
  ColorInfo color;           // of the tensor
  std::string pixel_format;  // FFmpeg's name, to force one; empty: by `format`
  std::vector<std::pair<std::string, std::string>> encoder_options;
  bool overwrite = false;
};

// Writes [1, 3, H, W] through open_sink: kind of file by the name, rounded to the nearest code without dither.
Status write_rgb_picture(const std::string& path, const TensorView& rgb, const PictureEncoding& encoding);

}  // namespace framelift
