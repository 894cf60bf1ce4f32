// Per-pixel networks that are a chain of 1x1 convolutions, each scaled and shifted per channel by functions of the
// network's other inputs, with ReLUs between (HDRTVNet++'s AGCM): the scaling and shifting fold into plain weights, and
// a few pixels at a time pass all layers without leaving the first cache.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "frame/tensor.h"
#include "graph/graph.h"

namespace framelift {

class PixelMlp {
 public:
  // The graph's first input is the picture, its weights are constants. Nothing if it is no such chain.
  static std::optional<PixelMlp> from(const Graph& graph);

  // Folds the modulation for these values of the inputs after the picture. Call before run().
  void fold(std::span<const TensorView> others);

  // dst[c][i] = the network of (src[0][i], src[1][i], src[2][i]), in f32. Any number of threads at once.
  void run(const float* const (&src)[3], size_t n, float* const (&dst)[3]) const;

  // A layer with everything folded. Outputs come in blocks of four: weight[(o / 4 * inputs + i) * 4 + o % 4].
  struct Layer {
    int inputs = 0, outputs = 0;
    float slope = 1;  // below zero: 0 for ReLU, 1 for none
    std::vector<float> weight, bias;
  };
  static constexpr int max_features = 128;

 private:
  // What happens to a layer's output, in order.
  struct Modulation {
    bool scales = false;  // else shifts
    ValueId by = no_value;
  };
  struct Recipe {
    ValueId weight = no_value, bias = no_value;
    std::vector<Modulation> modulation;
  };

  float value_of(ValueId id, int channel) const;

  Graph graph_;                   // only what does not depend on the picture
  std::vector<Tensor> computed_;  // results of its nodes, by value
  std::vector<Recipe> recipes_;
  std::vector<Layer> layers_;
};

// All layers for n pixels; in several instruction sets.
void run_pixel_mlp(std::span<const PixelMlp::Layer> layers, const float* const (&src)[3], size_t n,
                   float* const (&dst)[3]);

}  // namespace framelift
