// How far an expanded picture can be trusted, pixel by pixel.
#pragma once

#include "frame/tensor.h"

namespace framelift {

// With y the largest component of the input (0..1, 1 = the code that clips) and Y that of the output, both linear light
// in the same unit (1 = SDR white):
//
//   clipped    k = clamp((y - knee) / (1 - knee), 0, 1)      how close the input is to where it stops following the
//   light added      d = |log2((Y + floor) / (y + floor))|         stops by which the network departs from the input
//   confidence c = 1 / (1 + (trust + (1 - trust) k) d)
//
// An unclipped pixel's light is in the picture, so what is added there counts `trust`; at a clipped pixel all of it is
// guessed. c is 1 where nothing was added, 1/2 where one stop was added to a clipped pixel, and falls with k and with
// d. Light below 0 counts as 0; where input or output is not finite, c is 0.
struct ConfidenceScale {
  float knee = 0.85f;        // linear light: sRGB code 237 of 255
  float floor = 1.0f / 256;  // light that 8-bit codes resolve in shadows; below it a difference is no difference
  float trust = 0.125f;
};

// input, output: f32 [1,3,H,W]; confidence: f32 [1,1,H,W], in [0, 1].
void expansion_confidence(const TensorView& input, const TensorView& output, const TensorView& confidence,
                          const ConfidenceScale& scale = {});

}  // namespace framelift
