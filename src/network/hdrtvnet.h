// HDRTVNet++: SDR (BT.709, gamma) to HDR (BT.2020, PQ). AGCM maps colours globally, LE enhances locally, the ensemble
// is LE after AGCM. Chen et al., "Towards Efficient SDRTV-to-HDRTV by Learning from Image Formation", 2023; the layers
// are those of its published code.
#pragma once

#include "network/network.h"

namespace framelift {

extern const Architecture hdrtvnet;

}  // namespace framelift
