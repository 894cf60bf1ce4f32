// Frames of 4:2:0 as pictures of three planes, as HinervOutput::ycbcr_420 has them, and back.
#pragma once

#include "color/color_info.h"
#include "frame/frame.h"
#include "frame/region.h"
#include "frame/tensor.h"

namespace framelift {

// Y'CbCr with chroma at half the resolution both ways, in 8 to 16 bits, without alpha.
bool is_ycbcr_420(const PixelFormat& format);

// `region` of such a frame into f32 [1, 3, region.height, region.width]; it starts on even coordinates and may reach
// beyond the picture to the right and below, where the last samples go on.
void read_ycbcr_planes(const Frame& frame, const Region& region, ColorRange range, const TensorView& dst);

// The reverse, for all of the frame, whose upper left pixel is at (left, top) of the picture, both even: codes rounded
// to nearest and clamped to 0 .. 2^bits - 1; NaN becomes 0.
void write_ycbcr_planes(const TensorView& src, int left, int top, ColorRange range, const Frame& dst);

}  // namespace framelift
