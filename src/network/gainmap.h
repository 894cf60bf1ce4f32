// 8-bit pictures to linear HDR with a gain map: a small U-Net says, pixel by pixel and channel by channel, how many
// times brighter the scene was than the picture's own light. The project's own network; its first weights leave the
// picture nearly as it is, so that training starts from the inverse of the picture's curve.
#pragma once

#include "network/network.h"

namespace framelift {

// Hyper-parameters: features (channels at full size; the U-Net's five levels have 1, 2, 4, 6 and 8 times as many) and
// scale_hdr_milli: thousandths of NetworkContract::output_gain, which the training targets were divided by.
extern const Architecture gainmap;

}  // namespace framelift
