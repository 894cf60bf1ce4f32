// Time of each metric for one 1920x1080 frame on one thread.
#include <benchmark/benchmark.h>

#include <random>

#include "metrics/hdr_difference.h"
#include "metrics/mean_luminance.h"
#include "metrics/psnr.h"
#include "metrics/scene_cut.h"
#include "metrics/ssim.h"

namespace framelift {
namespace {

constexpr int width = 1920, height = 1080;

Tensor noise(int channels, unsigned seed) {
  Tensor t(DType::f32, {1, channels, height, width});
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(0, 1);
  for (float& v : t.f32()) v = value(random);
  return t;
}

template <class Metric>
void run(benchmark::State& state, int channels, const Metric& metric) {
  Tensor a = noise(channels, 1), b = noise(channels, 2);
  for (auto _ : state) benchmark::DoNotOptimize(metric(a.view(), b.view()));
  state.SetItemsProcessed(state.iterations() * int64_t{width} * height);  // pixels
}

void psnr_rgb(benchmark::State& state) { run(state, 3, mean_squared_error); }

void ssim(benchmark::State& state) {
  Ssim meter;
  run(state, 1, [&](const TensorView& a, const TensorView& b) { return meter.run(a, b); });
}

void delta_e_itp(benchmark::State& state) {
  const HdrDifference meter;
  run(state, 3, [&](const TensorView& a, const TensorView& b) { return meter.mean_delta_e_itp(a, b); });
}

void pu21_psnr(benchmark::State& state) {
  const HdrDifference meter;
  run(state, 3, [&](const TensorView& a, const TensorView& b) { return meter.pu21_squared_error(a, b); });
}

void mean_luminance(benchmark::State& state, TransferCharacteristic transfer) {
  MeanLuminance meter(
      {MatrixCoefficients::rgb, transfer, ColorPrimaries::bt2020, ColorRange::full, ChromaLocation::unspecified});
  run(state, 3, [&](const TensorView& a, const TensorView&) {
    meter.add(a, {0, 0, width, height}, {0, 0, width, height});
    return meter.end_frame();
  });
}

void scene_cut(benchmark::State& state) {
  SceneCutDetector cuts;
  run(state, 3, [&](const TensorView& a, const TensorView&) { return cuts.is_cut(a); });
}

BENCHMARK(psnr_rgb)->Unit(benchmark::kMillisecond);
BENCHMARK(ssim)->Unit(benchmark::kMillisecond);
BENCHMARK(delta_e_itp)->Unit(benchmark::kMillisecond);
BENCHMARK(pu21_psnr)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mean_luminance, pq, TransferCharacteristic::pq)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mean_luminance, hlg, TransferCharacteristic::hlg)->Unit(benchmark::kMillisecond);
BENCHMARK(scene_cut)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace framelift
