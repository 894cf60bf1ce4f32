// Weights to integers so that a layer's output changes least, not each weight: E. Frantar et al., "GPTQ: Accurate
// Post-Training Quantization for Generative Pre-trained Transformers", ICLR 2023, after B. Hassibi and D. Stork's
// Optimal Brain Surgeon (1993).
#pragma once

#include "frame/tensor.h"

namespace framelift {

struct RoundedWeights {
  Tensor weight;  // as `weight`, multiples of the scale
  Tensor scale;   // [Cout]
};

// Each weight to its nearest integer. weight: [Cout, ...]; the largest of a channel becomes 127.
RoundedWeights round_to_nearest(const Tensor& weight);

// `moments`: for inputs x of the layer, as many as a channel has weights (K) and in their order, the mean of x x^T,
// [K,K]. Weights are rounded one input after another, those with the most energy first, and what an input's rounding
// does to the output is made up for by the weights not yet rounded. Falls back to the nearest where the moments say
// nothing (all 0).
RoundedWeights round_for_output(const Tensor& weight, const Tensor& moments);

}  // namespace framelift
