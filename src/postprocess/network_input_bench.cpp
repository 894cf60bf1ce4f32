// A frame as a network takes it, of another size, as planes of R, G, B: in one pass over memory, and in several.
#include <benchmark/benchmark.h>

#include <cstring>

#include "color/resolve.h"
#include "postprocess/resize.h"
#include "preprocess/frame_to_tensor.h"
#include "preprocess/reduce.h"

namespace framelift {
namespace {

struct Setting {
  int width = 1920, height = 1080, edge = 512;
  PixelFormat format{ColorFamily::yuv, 8, 1, 1, false};
  ColorInfo color = resolve_color({}, width, height, false);
  Frame frame = FramePool(width, height, format, 1).acquire().value();
  Tensor input{DType::f32, {1, 3, edge, edge}};
  PixelFormat full = full_detail(format);
  FrameToTensor to_tensor = FrameToTensor::create(full, color).value();

  Resizer resizer(ResizeFilter filter) const {
    return Resizer::create({format, width, height, color}, {full, edge, edge, color}, false, filter).value();
  }

  Setting() {
    frame.color = color;
    for (int p = 0; p < 3; ++p) {
      const PlaneView& plane = frame.planes[static_cast<size_t>(p)];
      for (int y = 0; y < plane.height; ++y)
        for (int x = 0; x < plane.width; ++x)
          plane.row<uint8_t>(y)[x] = static_cast<uint8_t>(16 + (x * 7 + y * 13) % 200);
    }
  }
};

// A picture of the network's size in 16 bits, then its tensor.
void resize_then_convert(benchmark::State& state, ResizeFilter filter) {
  Setting s;
  Resizer resizer = s.resizer(filter);
  Frame small = FramePool(s.edge, s.edge, s.full, 1).acquire().value();
  for (auto _ : state) {
    if (!resizer.run(s.frame, small)) state.SkipWithError("failed");
    s.to_tensor.run(small, {0, 0, s.edge, s.edge}, s.input.view());
  }
}
BENCHMARK_CAPTURE(resize_then_convert, bilinear, ResizeFilter::bilinear)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(resize_then_convert, lanczos, ResizeFilter::lanczos)->Unit(benchmark::kMillisecond);

// The same without that picture: rows become the tensor's as they are made.
void resize_and_convert(benchmark::State& state, ResizeFilter filter) {
  Setting s;
  Resizer resizer = s.resizer(filter);
  for (auto _ : state) {
    const Status status = resizer.run_rows(s.frame, [&](int x, int y, const Frame& part) {
      s.to_tensor.run(part, {0, 0, part.width, 1}, {s.input.as<float>() + y * s.edge + x, s.edge, s.edge * s.edge});
    });
    if (!status) state.SkipWithError("failed");
  }
}
BENCHMARK_CAPTURE(resize_and_convert, bilinear, ResizeFilter::bilinear)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(resize_and_convert, lanczos, ResizeFilter::lanczos)->Unit(benchmark::kMillisecond);

// The whole frame's tensor, then one of the network's size, then its range.
void convert_then_resize(benchmark::State& state) {
  Setting s;
  const auto to_tensor = FrameToTensor::create(s.format, s.color).value();
  Tensor whole(DType::f32, {1, 3, s.height, s.width});
  auto reducer = Reducer::to_size(s.height, s.width, s.edge, s.edge, Reduction::bilinear);
  for (auto _ : state) {
    to_tensor.run(s.frame, {0, 0, s.width, s.height}, whole.view());
    reducer.run(whole.view(), s.input.view());
    for (float& v : s.input.f32()) v = v > 0 ? (v < 1 ? v : 1) : 0;
  }
}
BENCHMARK(convert_then_resize)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace framelift
