// RRDBNet, the large network of ESRGAN (Wang et al., ECCVW 2018) and Real-ESRGAN: residual-in-residual dense blocks at
// input resolution (after a pixel unshuffle for scales below 4), then nearest-neighbour enlarging with convolutions.
#pragma once

#include "network/network.h"

namespace framelift {

// Hyper-parameters: blocks, features, growth, upsamples (each doubles the size), unshuffle, scale.
extern const Architecture rrdbnet;

}  // namespace framelift
