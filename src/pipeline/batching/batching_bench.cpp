// The dynamic batcher under load beside static batches of the same network: requests a second, and the slowest of 100.
#include <benchmark/benchmark.h>

#include "network/network.h"
#include "pipeline/batching/dynamic_batcher.h"

namespace framelift {
namespace {

constexpr int edge = 96, most = 8, lanes = 1;

struct Setting {
  Network network = load_network("tests/golden/srvgg_x2.weights.safetensors").value();
  Backend* backend = find_backend("auto", network, {}).value();
  Tensor input;
  Shape output_shape;

  Setting() {
    const Graph graph = network.build(1, edge, edge).value();
    input = Tensor(DType::f32, graph.value(graph.inputs.front()).shape);
    output_shape = graph.value(graph.outputs.front()).shape;
    std::ranges::fill(input.f32(), 0.5f);
  }
  std::vector<Tensor> outputs(size_t count) const {
    std::vector<Tensor> tensors;
    for (size_t i = 0; i < count; ++i) tensors.emplace_back(DType::f32, output_shape);
    return tensors;
  }
  std::unique_ptr<BatchRunner> runner() const {
    CompileOptions options;
    options.latency = true;  // a batch takes every core
    return network_batches(network, *backend, options, edge, edge, {1, 2, 4, most}, lanes).value();
  }
};

void static_batches(benchmark::State& state) {
  Setting s;
  const auto runner = s.runner();
  std::vector<Tensor> outputs = s.outputs(static_cast<size_t>(state.range(0)));
  std::vector<BatchRunner::Item> items;
  for (Tensor& output : outputs) items.push_back({s.input.view(), output.view(), nullptr});
  for (auto _ : state)
    if (!runner->run(0, items)) state.SkipWithError("failed");
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(static_batches)->Arg(1)->Arg(2)->Arg(4)->Arg(most)->UseRealTime()->Unit(benchmark::kMillisecond);

// Callers that each ask again as soon as they have a result: as many as a batch holds, or twice as many, so that half
// of them wait while the others' batch runs.
void dynamic_batches(benchmark::State& state) {
  constexpr int calls = 16;
  const auto callers = static_cast<int>(state.range(0));
  Setting s;
  BatchPolicy policy;
  policy.max_batch = most;
  policy.timeout = std::chrono::milliseconds(2);
  policy.lanes = lanes;
  auto batcher = DynamicBatcher::create(policy, s.runner()).value();
  std::vector<Tensor> outputs = s.outputs(static_cast<size_t>(callers));
  double slowest_run = 0;
  for (auto _ : state) {
    std::function<void(int, int)> ask = [&](int caller, int left) {
      if (left == 0) return;
      DynamicBatcher::Request r;
      r.stream = caller;
      r.input = s.input.view();
      r.output = outputs[static_cast<size_t>(caller)].view();
      r.done = [&, caller, left](const BatchResult& result) {
        slowest_run = std::max(slowest_run, result.run_seconds);
        ask(caller, left - 1);
      };
      if (!batcher->submit(std::move(r))) state.SkipWithError("refused");
    };
    for (int caller = 0; caller < callers; ++caller) ask(caller, calls);
    batcher->drain();
  }
  const auto statistics = batcher->statistics();
  state.SetItemsProcessed(state.iterations() * callers * calls);
  state.counters["p99_ms"] = 1e3 * statistics.latency.quantile(0.99);
  state.counters["slowest_batch_ms"] = 1e3 * slowest_run;
  state.counters["mean_batch"] = static_cast<double>(statistics.requests) / static_cast<double>(statistics.batches);
}
BENCHMARK(dynamic_batches)->Arg(most)->Arg(2 * most)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace framelift
