// Names beside patches of their colours, drawn into a picture.
#pragma once

#include <span>

#include "frame/tensor.h"
#include "network/segmentation/class_labels.h"

namespace framelift {

// Into the lower left corner of `rgb`, f32 [1,3,H,W] of BT.709 video: one line for each label, dark behind, in letters
// of a size that suits the picture. Lines that find no room are left out.
void draw_legend(const TensorView& rgb, std::span<const ClassLabel* const> labels);

}  // namespace framelift
