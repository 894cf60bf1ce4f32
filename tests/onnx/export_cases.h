// What is exported to ONNX in tests: every op of the table of ops, and a network of every architecture. The same cases
// go through onnxruntime (onnx_runtime.py) and back through our own reader (onnx_test.cpp).
#pragma once

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "graph/evaluate.h"
#include "network/onnx/export_network.h"
#include "tests/formula_weights.h"
#include "tests/ops/op_cases.h"
#include "tests/support.h"
#include "weights/onnx/write_onnx.h"

namespace framelift {

template <class T>
T or_die(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

struct Exported {
  std::string bytes;  // the ONNX file
  std::string summary;
  std::map<std::string, Tensor> inputs;
  Tensor output;         // by the reference
  double tolerance = 0;  // of another float32 engine
};

// ---- single ops

inline Exported export_op(const OpCase& c) {
  GraphBuilder builder;
  c.build(builder);
  const Graph graph = or_die(std::move(builder).finish());
  Exported exported;
  Parameters parameters = random_parameters(graph, 100);
  for (auto& [name, tensor] : parameters)  // variances
    if (name.find("var") != std::string::npos)
      for (float& v : tensor.f32()) v = std::abs(v) + 0.5f;
  OnnxWriter writer;
  for (const std::string& name : or_die(writer.add(graph, parameters, false))) writer.output(name);
  exported.bytes = or_die(std::move(writer).finish({}));
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs) {
    inputs.push_back(random_tensor(graph.value(id).shape, 7 + static_cast<uint32_t>(inputs.size())));
    exported.inputs.emplace(graph.value(id).name, inputs.back().clone());
  }
  exported.output = std::move(or_die(evaluate(graph, parameters, inputs))[0]);
  exported.tolerance = std::max(c.f32_tolerance, 1e-6);
  return exported;
}

// Ops whose table entry ONNX has no form for.
inline bool has_onnx_form(const OpCase& c) {
  GraphBuilder builder;
  c.build(builder);
  const Graph graph = or_die(std::move(builder).finish());
  return std::ranges::none_of(graph.nodes,
                              [](const Node& node) { return std::holds_alternative<InverseToneMap>(node.op); });
}

// ---- networks

struct NetworkCase {
  std::string name;
  const Architecture* architecture = nullptr;
  std::function<Network()> make;
  int height = 0, width = 0;  // of the picture
  bool fixed = false;         // exported for that size alone
};

inline void PrintTo(const NetworkCase& c, std::ostream* out) { *out << c.name; }

// Weights that follow the formula, for every parameter of an architecture.
inline Network formula_network(const Architecture& architecture, const HyperParameters& hyper) {
  Network network;
  network.name = architecture.name;
  network.architecture = &architecture;
  network.hyper = hyper;
  network.contract = architecture.contract(hyper);
  const int edge = 8 * std::max(network.contract.alignment, 8);
  add_formula_weights(or_die(network.build(1, edge, edge)), network.parameters);
  if (network.contract.frame_reduction)
    add_formula_weights(or_die(network.build_frame_graph(1, 256, 256)), network.parameters);
  return network;
}

inline const std::vector<NetworkCase>& network_cases() {
  static const std::vector<NetworkCase> cases = [] {
    std::vector<NetworkCase> all;
    std::ifstream file("tests/golden/manifest.json");
    const auto manifest = nlohmann::json::parse(file);
    const auto architecture_named = [](const std::string& name) {
      return *std::ranges::find(architectures(), name, &Architecture::name);
    };
    for (const auto& c : manifest.at("networks")) {
      const std::string path = "tests/golden/" + c.at("weights").get<std::string>();
      all.push_back({c.at("case"), architecture_named(c.at("architecture")),
                     [path] { return or_die(load_network(path)); }, 24, 36, false});
    }
    for (const char* list : {"hdr", "expand", "segmentation"})
      for (const auto& c : manifest.at(list)) {
        const Architecture* architecture = architecture_named(c.at("architecture"));
        HyperParameters hyper = c.at("hyper").get<std::map<std::string, int, std::less<>>>();
        hyper.emplace("scale_hdr_milli", 4000);  // of those that make linear light; others do not ask
        const int alignment = std::max(architecture->contract(hyper).alignment, 16);
        NetworkCase made{c.at("case"),  architecture,  [=] { return formula_network(*architecture, hyper); },
                         2 * alignment, 3 * alignment, false};
        if (made.name == "deeplab_resnet_16") continue;  // 160 MB of weights for what deeplab_mobilenet_16 shows
        // What ONNX has sizes for.
        made.fixed = made.name == "expandnet" || std::string_view(list) == "segmentation";
        all.push_back(made);
      }
    all.push_back({"tflite", architecture_named("file-graph"),
                   [] { return or_die(load_network("tests/fuzz/corpus/tflite/small")); }, 8, 8, true});
    all.push_back({"onnx", architecture_named("onnx"),
                   [] { return or_die(load_network("tests/golden/onnx/restore_dynamic.onnx")); }, 32, 48, true});
    return all;
  }();
  return cases;
}

// The picture and, where the network takes one, the reduced picture.
inline std::map<std::string, Tensor> network_inputs(const Network& network, int height, int width) {
  std::map<std::string, Tensor> inputs;
  const auto picture = [](int rows, int columns, uint32_t seed) {
    Tensor tensor = random_tensor({1, 3, rows, columns}, seed);
    for (float& v : tensor.f32()) v = 0.5f + 0.5f * v;
    return tensor;
  };
  inputs.emplace("image", picture(height, width, 1));
  if (const auto& reduction = network.contract.frame_reduction) {
    const int rows = reduction->edge > 0 ? reduction->edge : height / reduction->factor;
    const int columns = reduction->edge > 0 ? reduction->edge : width / reduction->factor;
    inputs.emplace("picture", picture(rows, columns, 2));
  }
  return inputs;
}

// As the pipeline runs it: the frame graph first, where there is one.
inline Tensor run_reference(const Network& network, const std::map<std::string, Tensor>& inputs) {
  const auto shape = [&](const char* name) { return inputs.at(name).shape(); };
  const Graph graph =
      or_die(network.build(1, static_cast<int>(shape("image")[2]), static_cast<int>(shape("image")[3])));
  std::vector<Tensor> given;
  given.push_back(inputs.at("image").clone());
  if (inputs.contains("picture")) {
    const Graph frame = or_die(
        network.build_frame_graph(1, static_cast<int>(shape("picture")[2]), static_cast<int>(shape("picture")[3])));
    std::vector<Tensor> picture;
    picture.push_back(inputs.at("picture").clone());
    given.push_back(std::move(or_die(evaluate(frame, network.parameters, picture))[0]));
  }
  return std::move(or_die(evaluate(graph, network.parameters, given))[0]);
}

inline Exported export_case(const NetworkCase& c) {
  const Network network = c.make();
  OnnxExport file = or_die(export_onnx(network, c.fixed ? c.height : 0, c.fixed ? c.width : 0));
  Exported exported;
  exported.bytes = std::move(file.bytes);
  exported.summary = std::move(file.summary);
  exported.inputs = network_inputs(network, c.height, c.width);
  exported.output = run_reference(network, exported.inputs);
  // float32 sums in another order, through as many layers as the deepest has (50 convolutions); outputs are of unit
  // size, and scores of formula weights up to their largest.
  float largest = 1;
  for (const float v : exported.output.f32()) largest = std::max(largest, std::abs(v));
  exported.tolerance = 2e-5 * static_cast<double>(largest);
  return exported;
}

}  // namespace framelift
