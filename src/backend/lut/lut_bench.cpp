// What a colour table costs for a 1920x1080 picture: finding the points it needs, reading it, a whole request (with the
// network on those points), and beside them the network itself on the picture. The network has AGCM's shape and random
// weights.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "backend/lut/color_table.h"
#include "backend/lut/lut_backend.h"
#include "backend/openvino/openvino_backend.h"

namespace framelift {
namespace {

constexpr int width = 1920, height = 1080;

Graph agcm_shaped() {
  GraphBuilder b;
  ValueId x = b.input("image", {1, 3, height, width});
  const ValueId condition = b.input("condition", {1, 6});
  const auto layer = [&](ValueId in, const std::string& name, int out) {
    const auto per_channel = [&](const char* kind) {
      return b.reshape(b.linear(condition, name + kind, out), {1, out, 1, 1});
    };
    return b.add(b.mul(b.conv2d_same(in, name, out, 1), per_channel(".scale")), per_channel(".shift"));
  };
  x = b.relu(layer(x, "first", 64));
  x = b.relu(layer(x, "hidden", 64));
  b.output(layer(x, "last", 3), "image");
  return std::move(b).finish().value();
}

Parameters random_parameters(const Graph& graph) {
  std::mt19937 random(1);
  Parameters parameters;
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    Tensor t(DType::f32, value.shape);
    for (float& v : t.f32()) v = static_cast<float>(random() >> 8) * 0x1p-25f - 0.25f;
    parameters.emplace(value.name, std::move(t));
  }
  return parameters;
}

// Smooth gradients with a little noise, as footage has them: neighbours share cells of the table, mostly.
Tensor picture() {
  std::mt19937 random(2);
  Tensor t(DType::f32, {1, 3, height, width});
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        t.f32()[static_cast<size_t>((c * height + y) * width + x)] =
            0.5f + 0.45f * std::sin(0.004f * static_cast<float>(x * (c + 1)) + 0.01f * static_cast<float>(y)) +
            0.012f * (static_cast<float>(random() >> 8) * 0x1p-24f - 0.5f);
  return t;
}

ColorGrid grid_of(const benchmark::State& state) {
  return state.range(0) == default_color_grid.points ? default_color_grid
                                                     : ColorGrid::uniform(static_cast<int>(state.range(0)));
}

Tensor noise() {
  std::mt19937 random(3);
  Tensor t(DType::f32, {1, 3, height, width});
  for (float& v : t.f32()) v = static_cast<float>(random() >> 8) * 0x1p-24f;
  return t;
}

enum class Pass { apply, reference, want };

void one_thread(benchmark::State& state, Pass pass, Tensor (*make)()) {
  ColorTable table(grid_of(state));
  Tensor in = make(), out(DType::f32, in.shape());
  const size_t n = size_t{width} * height;
  const float* const src[3] = {in.as<float>(), in.as<float>() + n, in.as<float>() + 2 * n};
  float* const dst[3] = {out.as<float>(), out.as<float>() + n, out.as<float>() + 2 * n};
  for (auto _ : state) {
    if (pass == Pass::apply) table.apply(src, n, dst);
    if (pass == Pass::reference) table.apply_reference(src, n, dst);
    if (pass == Pass::want) {
      table.forget();
      table.want(src, n);
    }
    benchmark::ClobberMemory();
  }
  state.counters["s/pixel"] = benchmark::Counter(
      static_cast<double>(n), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// One whole request, with another condition each time or always the same one.
void request(benchmark::State& state, std::unique_ptr<Executable> executable, bool moving) {
  auto request = executable->create_request().value();
  const Tensor in = picture();
  std::ranges::copy(in.f32(), request->input(0).f32().begin());
  std::ranges::fill(request->input(1).f32(), 0.5f);
  for (auto _ : state) {
    if (moving) request->input(1).f32()[0] += 1e-4f;
    (void)request->start();
    (void)request->wait();
  }
}

void table_request(benchmark::State& state, bool moving) {
  const Graph graph = agcm_shaped();
  request(state, compile_table(graph, random_parameters(graph), {}, grid_of(state)).value(), moving);
}

void exact_request(benchmark::State& state, Precision precision) {
  const Graph graph = agcm_shaped();
  CompileOptions options;
  options.precision = precision;
  options.latency = true;
  request(state, openvino_backend().compile(graph, random_parameters(graph), options).value(), true);
}

constexpr int graded = default_color_grid.points;
BENCHMARK_CAPTURE(one_thread, apply, Pass::apply, picture)->Arg(33)->Arg(graded)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(one_thread, apply_noise, Pass::apply, noise)->Arg(33)->Arg(graded)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(one_thread, apply_scalar, Pass::reference, picture)->Arg(graded)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(one_thread, want, Pass::want, picture)->Arg(33)->Arg(graded)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(table_request, same_condition, false)->Arg(graded)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(table_request, moving_condition, true)
    ->Arg(33)
    ->Arg(65)
    ->Arg(graded)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(exact_request, f32, Precision::f32)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(exact_request, bf16, Precision::bf16)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace framelift
