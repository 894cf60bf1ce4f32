// Networks as ONNX files, for other programs and for this one.
#pragma once

#include <string>

#include "base/result.h"
#include "network/network.h"

namespace framelift {

struct OnnxExport {
  std::string bytes;    // the file
  std::string summary;  // one line: inputs, outputs, operator set
};

// Of every size where `height` and `width` are 0, else of that one; its weights are float32. Input "image" [1,3,H,W],
// from 0 to 1; output "output" (or "scores"). A network that looks at a reduced picture of the whole frame takes that
// as a second input, "picture". The contract travels as metadata, so that load_network() gives the same network.
// Errors: invalid_argument (a size that the network does not take; no size, though the graph depends on it),
// unsupported.
Result<OnnxExport> export_onnx(const Network& network, int height, int width);

}  // namespace framelift
