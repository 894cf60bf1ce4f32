// What an ONNX file does not say of its network, as TOML (docs/onnx.md): in a file beside it, or, in files of our own,
// among its metadata.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/network.h"

namespace framelift {

// Nothing where it is left to be found out.
struct OnnxContract {
  std::optional<int> scale, alignment;
  std::array<float, 3> mean{0, 0, 0}, deviation{1, 1, 1};  // the model takes (x - mean) / deviation, x from 0 to 1
  std::array<float, 2> output_range{0, 1};                 // what it gives for black and for white
  bool bgr = false;                                        // the order of channels, in and out
  std::optional<ColorInfo> input_color, output_color;
  float output_gain = 1;
  int blend_overlap = 0;
  std::optional<OutputKind> output;
  std::vector<std::string> classes;
  // Of models with a second input, a reduced picture of the whole frame, and of their value that is computed from it
  // alone, once per frame.
  std::optional<FrameReduction> frame_reduction;
  std::string frame_input, frame_output;
};

// The key of the metadata of our own files.
inline constexpr const char* onnx_contract_key = "framelift.contract";

// `name` opens error messages, which name the line and, for an unknown key, the keys there are.
Result<OnnxContract> parse_onnx_contract(std::string_view toml, std::string_view name);
std::string to_toml(const OnnxContract& contract);

}  // namespace framelift
