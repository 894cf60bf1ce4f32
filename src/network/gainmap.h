// 8-bit pictures to linear HDR with a gain map: a small U-Net says of every component close to clipping how many times
// brighter the scene was than the picture's own light. What the picture shows (components below 0.8 of white) stays as
// it is, and nothing gets darker. The project's own network; that a mask confines what is invented to what was clipped
// follows G. Eilertsen et al., "HDR image reconstruction from a single exposure using deep CNNs", ACM TOG 36(6), 2017.
#pragma once

#include "network/network.h"

namespace framelift {

// Hyper-parameters: features (channels at full size; the U-Net's five levels have 1, 2, 4, 6 and 8 times as many) and
// scale_hdr_milli: thousandths of NetworkContract::output_gain, which the training targets were divided by.
extern const Architecture gainmap;

}  // namespace framelift
