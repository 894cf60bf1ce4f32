// What several test programs need.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "network/network.h"

namespace framelift {

// The folder with real weights, clips and goldens, which is not part of the repository: $FRAMELIFT_SHARED or ../shared.
// Tests that need it are skipped without it, and say so.
inline std::optional<std::filesystem::path> shared_assets() {
  const char* named = std::getenv("FRAMELIFT_SHARED");
  const std::filesystem::path folder = std::filesystem::path(named && *named ? named : "../shared") / "assets";
  if (std::filesystem::is_directory(folder)) return folder;
  return std::nullopt;
}

#define FL_SHARED_OR_SKIP(variable)                                                                          \
  const auto variable##_found = ::framelift::shared_assets();                                                \
  if (!variable##_found) GTEST_SKIP() << "needs the folder of real assets ($FRAMELIFT_SHARED or ../shared)"; \
  const std::filesystem::path& variable = *variable##_found

inline double largest_difference(std::span<const float> a, std::span<const float> b) {
  double worst = a.size() == b.size() ? 0 : INFINITY;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double difference = std::abs(double{a[i]} - double{b[i]});
    worst = difference <= worst ? worst : difference;  // NaN counts as a difference
  }
  return worst;
}

// Peak 1, over values clamped to [0, 1].
inline double psnr(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  auto clamped = [](float v) { return std::clamp(double{v}, 0.0, 1.0); };
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(clamped(a[i]) - clamped(b[i]), 2);
  return sum == 0 ? INFINITY : 10 * std::log10(static_cast<double>(a.size()) / sum);
}

// Engines of this machine that compute the network itself. The colour table approximates it, and has tests of its own.
inline std::vector<Backend*> exact_backends() {
  std::vector<Backend*> exact = backends();
  std::erase_if(exact, [](const Backend* backend) {
    return std::string_view(backend->name()) == "lut" || backend->describe().empty();
  });
  return exact;
}

// Compiles a graph, runs it once on its inputs in order, and returns its first output.
inline Result<Tensor> run_graph(Backend& backend, const Graph& graph, const Parameters& parameters,
                                std::span<const Tensor* const> inputs, const CompileOptions& options) {
  FL_TRY(const auto executable, backend.compile(graph, parameters, options));
  FL_TRY(const auto request, executable->create_request());
  for (size_t i = 0; i < inputs.size(); ++i)
    std::memcpy(request->input(static_cast<int>(i)).data, inputs[i]->data(), inputs[i]->bytes());
  FL_CHECK(request->start());
  FL_CHECK(request->wait());
  const TensorView output = request->output(0);
  return Tensor::from_f32(output.shape, output.f32());
}

// One run of a network on one picture [1,3,H,W].
inline Result<Tensor> run_network(const Network& network, const Tensor& picture, Backend& backend,
                                  const CompileOptions& options) {
  FL_TRY(const Graph graph,
         network.build(1, static_cast<int>(picture.shape()[2]), static_cast<int>(picture.shape()[3])));
  const Tensor* const inputs[] = {&picture};
  return run_graph(backend, graph, network.parameters, inputs, options);
}

// Gives back what it gets: whatever changes on the way is the pipeline's doing.
inline Network identity_network() {
  static const Architecture architecture{
      "identity",
      "returns its input",
      nullptr,
      nullptr,
      [](const HyperParameters&) { return NetworkContract{}; },
      [](const HyperParameters&, int batch, int height, int width) {
        GraphBuilder b;
        b.output(b.scale(b.input("image", {batch, 3, height, width}), 1.0f), "image");
        return std::move(b).finish();
      }};
  Network network;
  network.name = "identity";
  network.architecture = &architecture;
  network.contract = NetworkContract{};
  return network;
}

// The same, but what it gives back is taken for PQ.
inline Network pq_network() {
  Network network = identity_network();
  static const Architecture architecture{"identity-pq", "returns its input",        nullptr, nullptr,
                                         nullptr,       network.architecture->build};
  network.architecture = &architecture;
  network.contract.output_color = ColorInfo{MatrixCoefficients::rgb, TransferCharacteristic::pq, ColorPrimaries::bt2020,
                                            ColorRange::full, ChromaLocation::unspecified};
  return network;
}

}  // namespace framelift
