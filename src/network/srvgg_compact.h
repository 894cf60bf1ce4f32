// SRVGGNetCompact, the fast network of Real-ESRGAN (Wang et al., ICCVW 2021): a plain stack of 3x3 convolutions with
// PReLU at input resolution, one pixel shuffle at the end, added to the input enlarged by nearest neighbour.
#pragma once

#include "network/network.h"

namespace framelift {

// Hyper-parameters: features, convs (between the first and the last), scale.
extern const Architecture srvgg_compact;

}  // namespace framelift
