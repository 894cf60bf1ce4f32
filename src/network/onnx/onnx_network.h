// Networks of ONNX files, of any authors: their graph is the file's, their contract is stated or guessed.
#pragma once

#include "network/network.h"

namespace framelift {

// One picture of three channels in, NCHW or NHWC, of float32 or float16; the file's first output out: a picture, or
// scores or a probability of each pixel. Files whose shapes are fixed take any size, too, where their graph does.
// FileNetwork::summary says what was read, what was guessed, and where to say otherwise.
extern const Architecture onnx_network;

// The file `bytes` with what lies beside it: the tensors in files of their own, and the contract of its .toml.
Result<std::string> self_contained_onnx(const WeightFile& file, std::span<const std::byte> bytes);

}  // namespace framelift
