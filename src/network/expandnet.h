// ExpandNet (Marnerides et al., Eurographics 2018): 8-bit pictures to linear HDR from three branches, one of which sees
// the whole picture at 256x256 pixels.
#pragma once

#include "network/network.h"

namespace framelift {

extern const Architecture expandnet;  // hyper-parameters: none

}  // namespace framelift
