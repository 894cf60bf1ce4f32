// The inverse tone mappings of Report ITU-R BT.2446-1 as networks without weights: the classical baseline of SDR to
// HDR, `--model bt2446a` and `--model bt2446c`.
#pragma once

#include "network/network.h"

namespace framelift {

// Hyper-parameters: "method" (0: A, 1: C), "peak_nits".
extern const Architecture bt2446;

}  // namespace framelift
