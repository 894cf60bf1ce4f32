// 8-bit pictures to linear HDR with a residual encoder-decoder: two convolutions that halve the size, dilated residual
// blocks, two transposed convolutions back (the network of github.com/KayDelventhal/ImageBitDeepthConversion).
#pragma once

#include "network/network.h"

namespace framelift {

// Hyper-parameters: base (channels at full size), blocks, dilation (of the even blocks; the odd ones have 1), and
// scale_hdr_milli: thousandths of NetworkContract::output_gain, which the training targets were divided by.
extern const Architecture ldr2hdr;

}  // namespace framelift
