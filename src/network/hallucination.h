// HDRTVNet++'s third stage, the hallucination generator (HG): fills in highlights of the first two stages' HDR picture.
// Chen et al., "Towards Efficient SDRTV-to-HDRTV by Learning from Image Formation" (2023). Its published weights are
// not obtainable any more; networks of this shape load all the same.
#pragma once

#include "network/network.h"

namespace framelift {

// HDR (PQ, BT.2020) in and out. Hyper-parameter: "features" (64 as published).
extern const Architecture hallucination;

}  // namespace framelift
