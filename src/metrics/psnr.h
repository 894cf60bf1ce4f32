// Peak signal-to-noise ratio, and the luma plane that PSNR-Y and SSIM look at.
#pragma once

#include "color/color_info.h"
#include "color/matrix.h"
#include "frame/tensor.h"

namespace framelift {

// Mean of (a - b)^2 over all elements, summed in double. Both f32 and of one shape, not empty.
double mean_squared_error(const TensorView& a, const TensorView& b);

// 10 log10(peak^2 / mse) in dB; infinite for mse = 0. For pictures of video the peak is nominal white, 1: 219 of the
// 255 steps of a limited-range luma plane, so that values are 1.3 dB below those of tools which call 255 the peak.
double psnr(double mse, double peak = 1);

// rgb: f32 [1,3,H,W] -> luma: f32 [1,1,H,W]. Not clamped, so that it is the luma plane that the RGB was made from.
void luma_plane(const TensorView& rgb, const LumaWeights& weights, const TensorView& luma);

}  // namespace framelift
