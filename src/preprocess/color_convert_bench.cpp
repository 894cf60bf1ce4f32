// Speed of ColorConverter and ToneMapper on one thread: milliseconds per 1920x1080 frame.
#include <benchmark/benchmark.h>

#include <vector>

#include "preprocess/color_convert.h"
#include "preprocess/tone_mapper.h"

namespace framelift {
namespace {

template <class Stage>
void run_stage(benchmark::State& state, const Stage& stage) {
  Tensor picture(DType::f32, {1, 3, 1080, 1920});
  for (size_t i = 0; i < picture.f32().size(); ++i) picture.f32()[i] = static_cast<float>(i % 1000) / 999.0f;
  for (auto _ : state) {
    stage.run(picture.view());
    benchmark::ClobberMemory();
  }
}

void convert(benchmark::State& state, TransferCharacteristic from, ColorPrimaries from_primaries,
             TransferCharacteristic to, ColorPrimaries to_primaries) {
  ColorInfo a, b;
  a.transfer = from;
  a.primaries = from_primaries;
  b.transfer = to;
  b.primaries = to_primaries;
  run_stage(state, **ColorConverter::create(a, b));
}

void tone_map(benchmark::State& state, TransferCharacteristic from) {
  ColorInfo color;
  color.transfer = from;
  color.primaries = ColorPrimaries::bt2020;
  run_stage(state, *ToneMapper::create(color, 1000));
}

using Transfer = TransferCharacteristic;
using Primaries = ColorPrimaries;

BENCHMARK_CAPTURE(convert, bt601_primaries_to_bt709, Transfer::smpte170m, Primaries::smpte170m, Transfer::bt709,
                  Primaries::bt709)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(convert, srgb_to_bt709, Transfer::srgb, Primaries::bt709, Transfer::bt709, Primaries::bt709)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(convert, pq_to_hlg, Transfer::pq, Primaries::bt2020, Transfer::hlg, Primaries::bt2020)
    ->Unit(benchmark::kMillisecond);

BENCHMARK_CAPTURE(tone_map, pq_to_sdr, Transfer::pq)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(tone_map, hlg_to_sdr, Transfer::hlg)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace framelift
