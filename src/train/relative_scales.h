// Quantisation-aware training learns scales as factors of what they begin with: an optimiser's step is then the same
// share of every scale, however small, and none leaves the positive numbers.
#pragma once

#include "graph/quantization.h"

namespace framelift {

// The graph with factors in place of FakeQuantize's scales: parameters of the same names and shapes, that count within
// 1/16 and 16. `start`: the scales.
Graph with_relative_scales(Graph graph, const Parameters& start);

// What training begins with: `parameters` with 1 for each scale of these layers.
void begin_with_relative_scales(Parameters& parameters, const QuantizedLayers& layers);
// Back to scales, from the factors that were learnt.
void make_scales_absolute(Parameters& parameters, const QuantizedLayers& layers, const Parameters& start);

}  // namespace framelift
