// Speed of Frame -> Tensor and Tensor -> Frame on one thread, as bytes read plus bytes written per second, and beside
// it that of a memcpy which moves as many bytes (reads half of them, writes the other half).
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstring>
#include <memory>

#include "color/resolve.h"
#include "postprocess/light_levels.h"
#include "postprocess/sdr_renderer.h"
#include "postprocess/tensor_to_frame.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

// Best of several, like the benchmark library's own minimum; measured on fresh buffers of the same total size.
double memcpy_bytes_per_second(size_t bytes_moved) {
  const size_t half = bytes_moved / 2;
  const Tensor from = Tensor::filled({static_cast<int64_t>(half / 4)}, 1.0f);
  Tensor to = Tensor::filled({static_cast<int64_t>(half / 4)}, 0.0f);
  double best = 1e9;
  for (int i = 0; i < 30; ++i) {
    const auto start = Clock::now();
    std::memcpy(to.data(), from.data(), from.bytes());
    benchmark::ClobberMemory();
    best = std::min(best, seconds(Clock::now() - start));
  }
  return 2.0 * static_cast<double>(from.bytes()) / best;
}

enum class Direction { to_tensor, to_frame };

void convert(benchmark::State& state, Direction direction, PixelFormat format, int width, int height, bool dither) {
  const ColorInfo color = resolve_color({}, width, height, format.family == ColorFamily::rgb);
  FramePool pool(width, height, format, 1);
  const Frame frame = pool.acquire().value();
  size_t frame_bytes = 0;
  for (int p = 0; p < format.plane_count(); ++p) {
    const PlaneView& plane = frame.planes[p];
    for (int y = 0; y < plane.height; ++y)
      std::memset(plane.row<uint8_t>(y), 100 & (y | 3), static_cast<size_t>(plane.width) * format.bytes_per_sample());
    frame_bytes += static_cast<size_t>(plane.width) * plane.height * format.bytes_per_sample();
  }
  Tensor tensor = Tensor::filled({1, 3, height, width}, 0.5f);
  const auto to_tensor = FrameToTensor::create(format, color).value();
  const auto to_frame = TensorToFrame::create(format, color, dither).value();
  const Region all{0, 0, width, height};

  const size_t bytes = frame_bytes + tensor.bytes();
  const double copy = memcpy_bytes_per_second(bytes);
  double best = 1e9;
  for (auto _ : state) {
    const auto start = Clock::now();
    if (direction == Direction::to_tensor)
      to_tensor.run(frame, all, tensor.view());
    else
      to_frame.run(tensor.view(), all, all, frame);
    benchmark::ClobberMemory();
    best = std::min(best, seconds(Clock::now() - start));
  }
  const double rate = static_cast<double>(bytes) / best;
  state.counters["GB/s"] = rate / 1e9;
  state.counters["memcpy"] = copy / 1e9;
  state.counters["ratio"] = rate / copy;
}

// What a PQ picture costs: 10-bit 4:2:0 in bands of 32 rows, with or without the light levels of the finished codes.
void write_pq(benchmark::State& state, int width, int height, bool measured) {
  const PixelFormat format{ColorFamily::yuv, 10, 1, 1, false};
  const ColorInfo color{MatrixCoefficients::bt2020_ncl, TransferCharacteristic::pq, ColorPrimaries::bt2020,
                        ColorRange::limited, ChromaLocation::top_left};
  FramePool pool(width, height, format, 1);
  const Frame frame = pool.acquire().value();
  Tensor tensor(DType::f32, {1, 3, height, width});
  uint32_t noise = 1;
  for (float& v : tensor.f32()) v = static_cast<float>((noise = noise * 1664525 + 1013904223) >> 8) / (1 << 24);
  const auto to_frame = TensorToFrame::create(format, color, false).value();
  LightMeter meter = LightMeter::create(format, color, width).value();
  const Region all{0, 0, width, height};
  for (auto _ : state) {
    for (int y = 0; y < height; y += 32) {
      const Region band{0, y, width, std::min(32, height - y)};
      to_frame.run(tensor.view(), all, band, frame);
      if (measured) meter.add(frame, band.bottom());
    }
    meter.end_frame();
    benchmark::ClobberMemory();
  }
}

// What showing a 10-bit 4:2:0 PQ picture on an SDR screen costs.
void render_pq(benchmark::State& state, int width, int height) {
  const PixelFormat format{ColorFamily::yuv, 10, 1, 1, false};
  const ColorInfo color{MatrixCoefficients::bt2020_ncl, TransferCharacteristic::pq, ColorPrimaries::bt2020,
                        ColorRange::limited, ChromaLocation::top_left};
  FramePool pool(width, height, format, 1), screen_pool(width, height, SdrRenderer::format, 1);
  const Frame frame = pool.acquire().value(), screen = screen_pool.acquire().value();
  for (const PlaneView& plane : {frame.planes[0], frame.planes[1], frame.planes[2]})
    for (int y = 0; y < plane.height; ++y)
      for (int x = 0; x < plane.width; ++x) plane.row<uint16_t>(y)[x] = static_cast<uint16_t>(400 + (x * 7 + y) % 200);
  SdrRenderer renderer = SdrRenderer::create({format, width, height, color}, {}, true).value();
  for (auto _ : state) {
    renderer.run(frame, screen);
    benchmark::ClobberMemory();
  }
}

void register_all() {
  benchmark::RegisterBenchmark("pq_to_screen/1920x1080", render_pq, 1920, 1080)->Unit(benchmark::kMillisecond);
  for (const auto& [width, height] : {std::pair{1920, 1080}, std::pair{3840, 2160}})
    for (const bool measured : {false, true}) {
      const std::string name = fmt::format("pq_to_420p10{}/{}x{}", measured ? "_with_light" : "", width, height);
      benchmark::RegisterBenchmark(name.c_str(), write_pq, width, height, measured)->Unit(benchmark::kMillisecond);
    }

  struct Case {
    const char* name;
    PixelFormat format;
  };
  const Case cases[] = {{"420p8", {ColorFamily::yuv, 8, 1, 1, false}},
                        {"420p10", {ColorFamily::yuv, 10, 1, 1, false}},
                        {"444p8", {ColorFamily::yuv, 8, 0, 0, false}},
                        {"rgb8", {ColorFamily::rgb, 8, 0, 0, false}}};
  for (const auto& [width, height] : {std::pair{1280, 720}, std::pair{3840, 2160}})
    for (const Case& c : cases) {
      const std::string tail = std::string(c.name) + "/" + std::to_string(width) + "x" + std::to_string(height);
      benchmark::RegisterBenchmark(("frame_to_tensor/" + tail).c_str(), convert, Direction::to_tensor, c.format, width,
                                   height, false)
          ->Unit(benchmark::kMillisecond);
      benchmark::RegisterBenchmark(("tensor_to_frame/" + tail).c_str(), convert, Direction::to_frame, c.format, width,
                                   height, false)
          ->Unit(benchmark::kMillisecond);
    }
  benchmark::RegisterBenchmark("tensor_to_frame_dithered/420p8/1280x720", convert, Direction::to_frame, cases[0].format,
                               1280, 720, true)
      ->Unit(benchmark::kMillisecond);
}

const bool registered = (register_all(), true);

}  // namespace
}  // namespace framelift
