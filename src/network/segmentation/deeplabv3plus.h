// DeepLabV3+ (Chen et al., ECCV 2018) on MobileNetV2 or ResNet-50, with the parameter names of VainF's checkpoints.
#pragma once

#include "network/network.h"

namespace framelift {

// Hyper-parameters: "resnet" (0: MobileNetV2, 1: ResNet-50), "classes", "output_stride" (8 or 16; 16 unless the file
// says so: tensors do not show it, and either works with any weights).
extern const Architecture deeplabv3plus;

}  // namespace framelift
