// What training makes small, as graphs: the engine that differentiates a network differentiates its loss too.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "color/tone_map.h"
#include "graph/graph.h"

namespace framelift {

enum class LossKind : uint8_t {
  l1,      // mean |prediction - target|
  hybrid,  // alpha * l1 + (1 - alpha) * l1 of log(1 + 1e-6 + .), both pictures clamped to 0 and above: for linear light
  ms_ssim,  // alpha * (1 - MS-SSIM) + (1 - alpha) * l1 (Zhao et al., 2017)
  pu21,     // l1 of light in PU21 encoding (color/pu21.h) over pu21_peak; squares would be all about a few lamps
};
const char* to_string(LossKind kind);  // "l1", ...
Result<LossKind> parse_loss(std::string_view text);

struct LossOptions {
  LossKind kind = LossKind::l1;
  double alpha = 0.5;  // 0..1
  int window = 11;     // MS-SSIM: 5 or 11, the edge of its Gaussian window; pictures need 16 times as many pixels
  double white_nits = hdr_reference_white_nits;  // PU21: cd/m2 of 1 in the pictures
};

// Multi-scale structural similarity of two values [N,C,H,W] around [0, 1], as [1] (Z. Wang, E. P. Simoncelli and
// A. C. Bovik, "Multiscale structural similarity for image quality assessment", Asilomar 2003): five scales, each half
// the one before (mean of 2x2 pixels), Gaussian windows of standard deviation 1.5 inside the picture, K1 = 0.01,
// K2 = 0.03, dynamic range 1; per picture and channel, then the mean. Contrast terms below 1e-4 count as 1e-4.
ValueId add_ms_ssim(GraphBuilder& b, ValueId x, ValueId y, int window);

// The loss [1] between two values of one shape [N,C,H,W].
ValueId add_loss(GraphBuilder& b, const LossOptions& options, ValueId prediction, ValueId target);

// The graph to train a network with: the network's inputs and an input "target" of its first output's shape; outputs
// "loss" [1] and "prediction". The target is the last input. Errors: invalid_argument (pictures too small for MS-SSIM).
Result<Graph> with_loss(const Graph& network, const LossOptions& options);

// The loss alone: inputs "prediction" and "target" of one shape, output "loss" [1].
Result<Graph> loss_graph(const Shape& shape, const LossOptions& options);

}  // namespace framelift
