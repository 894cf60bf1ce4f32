// Entropy coding of weights: values per second (one value of a network is one symbol), and bits per value.
#include <benchmark/benchmark.h>

#include "codec/tensors_for_test.h"

namespace framelift {
namespace {

// A ConvNeXt block's linear layers at HiNeRV's width of 280, and a grid over 150 frames: 8-bit values count as bytes.
std::vector<StoredTensor> network(int bits) {
  std::vector<StoredTensor> tensors;
  tensors.push_back({"fc1", test::noise_tensor({1120, 280}, bits, 0.15, 0, 1)});
  tensors.push_back({"fc2", test::noise_tensor({280, 1120}, bits, 0.15, 0, 2)});
  tensors.push_back({"grid", test::noise_tensor({150, 576}, bits, 0, 0.95, 3)});
  return tensors;
}

int64_t value_count(std::span<const StoredTensor> tensors) {
  int64_t count = 0;
  for (const TensorLayout& tensor : layout_of(tensors)) count += tensor.shape.elements();
  return count;
}

void decode(benchmark::State& state) {
  const auto tensors = network(static_cast<int>(state.range(0)));
  const auto layout = layout_of(tensors);
  const auto bytes = *encode_tensors(tensors);
  for (auto _ : state) benchmark::DoNotOptimize(decode_tensors(layout, bytes, "bench"));
  state.SetItemsProcessed(state.iterations() * value_count(tensors));
  state.counters["bits_per_value"] =
      8.0 * static_cast<double>(bytes.size()) / static_cast<double>(value_count(tensors));
}

void encode(benchmark::State& state) {
  const auto tensors = network(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(encode_tensors(tensors));
  state.SetItemsProcessed(state.iterations() * value_count(tensors));
}

BENCHMARK(decode)->ArgName("bits")->Arg(6)->Arg(8)->Unit(benchmark::kMillisecond);
BENCHMARK(encode)->ArgName("bits")->Arg(6)->Arg(8)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace framelift
