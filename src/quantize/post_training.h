// A trained network to 8-bit integers, from what its layers see in a few sample pictures.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/cancellation.h"
#include "network/network.h"
#include "quantize/input_grid.h"

namespace framelift {

// What a layer becomes.
enum class LayerMode : uint8_t {
  floating,     // stays as it is
  weight_only,  // integer weights, which compute as floats
  integer,      // integer weights and inputs
};
using LayerChoice = std::function<LayerMode(std::string_view weight, const Shape& shape)>;
// Every convolution. Linear layers see one vector a frame and cost nothing: they stay.
LayerMode choose_full(std::string_view weight, const Shape& shape);
// Integers where both sides of a 1x1 convolution have at most 32 channels, integer weights alone elsewhere: the rule of
// the HDRTVNet++ video pipeline (version 0.8).
LayerMode choose_mixed(std::string_view weight, const Shape& shape);

// The inputs of one run of the network, in its graph's order.
using SampleInputs = std::vector<Tensor>;
// The network's graph for inputs of that size.
Result<Graph> build_for(const Network& network, const SampleInputs& sample);

struct PostTrainingOptions {
  LayerChoice choose = choose_full;
  RangeOptions range;
  // Channels between two layers are scaled towards one range, and the layers' weights against it, which changes nothing
  // but what rounding costs (M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
  // ICCV 2019; here by the channels' measured values, G. Xiao et al., "SmoothQuant", ICML 2023).
  bool equalise = true;
  bool round_for_output = true;  // see round_weights.h; otherwise each weight to its nearest integer
  bool correct_bias = true;      // so that the mean of each channel stays what it was (Nagel et al.)
  uint64_t seed = 42;            // of the positions that are looked at
  int threads = 0;
  std::function<void(size_t done, size_t layers)> on_layer;
  const Cancellation* cancel = nullptr;
};

struct QuantizedNetwork {
  Network network;
  // The weights and biases of its quantised layers as floats: what restore_layer() puts back.
  Parameters floating;
};

// Layer by layer, each with inputs as the quantised layers before it make them. `samples`: at least one, all of one
// size. `backend` runs the network in f32. Errors: invalid_argument (a network that is quantised already; samples whose
// values are no numbers), unsupported (no layer is chosen), cancelled, those of the backend.
Result<QuantizedNetwork> quantize_network(const Network& network, std::span<const SampleInputs> samples,
                                          Backend& backend, const PostTrainingOptions& options);

// One layer computes with floats again.
void restore_layer(QuantizedNetwork& quantized, const std::string& weight);

}  // namespace framelift
