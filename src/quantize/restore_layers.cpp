#include "quantize/restore_layers.h"

#include <algorithm>

#include "graph/analysis.h"
#include "quantize/gate.h"

namespace framelift {
namespace {

QuantizedNetwork copy_of(const QuantizedNetwork& from) {
  QuantizedNetwork copy{from.network.clone(), {}};
  for (const auto& [name, tensor] : from.floating) copy.floating.emplace(name, tensor.clone());
  return copy;
}

}  // namespace

Result<double> integer_share(const Network& network) {
  FL_TRY(const Graph graph, network.build_sample(16));
  double all = 0, integer = 0;
  for (const Node& node : graph.nodes) {
    if (!std::holds_alternative<Conv2d>(node.op)) continue;
    const auto flops = static_cast<double>(node_flops(graph, node));
    all += flops;
    const auto input = std::ranges::find(graph.nodes, node.inputs[0], &Node::output);
    if (input != graph.nodes.end() && std::holds_alternative<FakeQuantize>(input->op)) integer += flops;
  }
  return all > 0 ? integer / all : 0;
}

Result<std::vector<RestoreStep>> restore_until_good(QuantizedNetwork& quantized, std::span<const SampleInputs> samples,
                                                    std::span<const Tensor> expected, Backend& backend,
                                                    const RestoreOptions& options) {
  std::vector<RestoreStep> steps;
  const auto measure = [&](const std::string& layer) -> Result<double> {
    FL_TRY(const double psnr, output_psnr(quantized.network, samples, expected, backend, options.compile));
    FL_TRY(const double share, integer_share(quantized.network));
    steps.push_back({layer, psnr, share});
    return psnr;
  };
  FL_TRY(double psnr, measure(""));
  if (psnr >= options.psnr) return steps;

  struct Harm {
    std::string layer;
    double psnr = 0;  // without it
  };
  std::vector<Harm> harms;
  const size_t layers = quantized.network.quantized_layers.size();
  for (const auto& [layer, how] : quantized.network.quantized_layers) {
    if (options.cancel && options.cancel->requested()) return fail(ErrorCode::cancelled, "cancelled");
    if (options.on_step) options.on_step("sensitivity", harms.size(), layers);
    QuantizedNetwork without = copy_of(quantized);
    restore_layer(without, layer);
    FL_TRY(const double found, output_psnr(without.network, samples, expected, backend, options.compile));
    harms.push_back({layer, found});
  }
  std::ranges::stable_sort(harms, std::greater<>(), &Harm::psnr);
  for (size_t i = 0; i < harms.size() && psnr < options.psnr; ++i) {
    if (options.cancel && options.cancel->requested()) return fail(ErrorCode::cancelled, "cancelled");
    if (options.on_step) options.on_step("restoring", i, layers);
    restore_layer(quantized, harms[i].layer);
    FL_TRY(psnr, measure(harms[i].layer));
  }
  return steps;
}

}  // namespace framelift
