#include "compress/quality.h"

#include <algorithm>
#include <cmath>

#include "train/loss.h"

namespace framelift {
namespace {

constexpr double least_mse = 1e-9;

template <class Sample>
double squared_error(const PlaneView& a, const PlaneView& b) {
  double sum = 0;
  for (int y = 0; y < a.height; ++y) {
    const Sample* const p = a.row<Sample>(y);
    const Sample* const q = b.row<Sample>(y);
    int64_t row = 0;
    for (int x = 0; x < a.width; ++x) {
      const int64_t difference = int64_t{p[x]} - q[x];
      row += difference * difference;
    }
    sum += static_cast<double>(row);
  }
  return sum;
}

}  // namespace

double frame_psnr(double mse) { return 10 * std::log10(1 / (mse + least_mse)); }

Tensor upper_left(const Tensor& picture, int height, int width) {
  const Shape& shape = picture.shape();
  Tensor part(DType::f32, {1, shape[1], height, width});
  const float* from = picture.as<float>();
  float* to = part.as<float>();
  for (int64_t c = 0; c < shape[1]; ++c)
    for (int64_t y = 0; y < height; ++y) to = std::copy_n(from + (c * shape[2] + y) * shape[3], width, to);
  return part;
}

double plane_psnr(const Frame& a, const Frame& b, int plane) {
  const PlaneView& p = a.planes[static_cast<size_t>(plane)];
  const PlaneView& q = b.planes[static_cast<size_t>(plane)];
  const double sum = a.format.bits > 8 ? squared_error<uint16_t>(p, q) : squared_error<uint8_t>(p, q);
  const double peak = (1 << a.format.bits) - 1;
  return frame_psnr(sum / (double{1} * p.width * p.height) / (peak * peak));
}

Result<std::optional<MsSsimMeter>> MsSsimMeter::create(int height, int width) {
  constexpr int usual = 11, small = 5, scales = 16;
  const int side = std::min(height, width);
  if (side < scales * small) return std::optional<MsSsimMeter>();
  GraphBuilder b;
  const Shape shape{1, 3, height, width};
  const ValueId x = b.clamp(b.input("a", shape), 0, 1), y = b.clamp(b.input("b", shape), 0, 1);
  b.output(add_ms_ssim(b, x, y, side < scales * usual ? small : usual), "ms-ssim");
  FL_TRY(const Graph graph, std::move(b).finish());
  CompileOptions compile;
  compile.precision = Precision::f32;
  FL_TRY(Backend* const backend, find_backend("auto", graph, compile));
  MsSsimMeter meter;
  FL_TRY(meter.executable_, backend->compile(graph, {}, compile));
  FL_TRY(meter.request_, meter.executable_->create_request());
  return std::optional<MsSsimMeter>(std::move(meter));
}

Result<double> MsSsimMeter::run(const TensorView& a, const TensorView& b) {
  std::ranges::copy(a.f32(), request_->input(0).f32().begin());
  std::ranges::copy(b.f32(), request_->input(1).f32().begin());
  FL_CHECK(request_->start());
  FL_CHECK(request_->wait());
  return static_cast<double>(request_->output(0).f32()[0]);
}

}  // namespace framelift
