// Networks whose layers compute with 8-bit integers: a graph, and the grids that its layers' operands lie on.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace framelift {

// Weights of quantised layers are integers of one scale for each output channel.
inline constexpr FakeQuantize weight_grid{-128, 127};

// One Conv2d or Linear.
struct LayerQuantization {
  std::optional<FakeQuantize> input;  // the integers of what it reads, of one scale; nothing: those stay as they are
  friend bool operator==(const LayerQuantization&, const LayerQuantization&) = default;
};
// By the name of the weight, "body.0.weight".
using QuantizedLayers = std::map<std::string, LayerQuantization, std::less<>>;

// The parameters that hold a quantised layer's scales: "body.0.weight_scale" [Cout] and "body.0.input_scale" [1].
std::string weight_scale_name(std::string_view weight);
std::string input_scale_name(std::string_view weight);

// The graph with FakeQuantize before the quantised layers, whose scales become parameters. Names of layers that it does
// not have are passed over: a network may have several graphs.
Graph quantize(Graph graph, const QuantizedLayers& layers);

// The Conv2d and Linear nodes whose weight is a parameter: what can be quantised.
struct QuantizableLayer {
  std::string weight;        // the parameter's name
  ValueId input = no_value;  // what it reads
  ValueId output = no_value;
};
std::vector<QuantizableLayer> quantizable_layers(const Graph& graph);

}  // namespace framelift
