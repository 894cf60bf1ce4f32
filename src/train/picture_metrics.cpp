#include "train/picture_metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "color/pu21.h"
#include "metrics/psnr.h"

namespace framelift {
namespace {

constexpr std::array all_modes{MetricMode::linear_clip, MetricMode::percentile, MetricMode::log,
                               MetricMode::tone_mapped};
constexpr double tiny = 1e-8;  // pictures that are black all over stay black

// NumPy's percentile: linear between the two nearest ranks.
double percentile(std::vector<float> values, double percent) {
  const double rank = percent / 100 * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<ptrdiff_t>(rank);
  std::ranges::nth_element(values, below);
  const double low = static_cast<double>(*below);
  const auto above = std::min_element(below + 1, values.end());
  const double high = above == values.end() ? low : static_cast<double>(*above);
  return low + (high - low) * (rank - std::floor(rank));
}

template <class F>
void apply(Tensor& picture, F f) {
  for (float& x : picture.f32()) x = static_cast<float>(f(static_cast<double>(x)));
}

void divide_by_percentile(Tensor& a, Tensor& b) {
  std::vector<float> both(a.f32().begin(), a.f32().end());
  both.insert(both.end(), b.f32().begin(), b.f32().end());
  const double white = std::max(percentile(std::move(both), 99.5), tiny);
  for (Tensor* picture : {&a, &b}) apply(*picture, [&](double x) { return std::min(x / white, 1.0); });
}

}  // namespace

const char* to_string(MetricMode mode) {
  switch (mode) {
    case MetricMode::linear_clip: return "linear-clip";
    case MetricMode::percentile: return "percentile";
    case MetricMode::log: return "log";
    case MetricMode::tone_mapped: return "tone-mapped";
  }
  return "?";
}

Result<MetricMode> parse_metric_mode(std::string_view text) {
  for (const MetricMode mode : all_modes)
    if (text == to_string(mode)) return mode;
  return fail(ErrorCode::invalid_argument,
              "metrics mode '{}' is unknown; choose linear-clip, percentile, log or tone-mapped", text);
}

double pu21_psnr(const Tensor& prediction, const Tensor& target, double white_nits) {
  const auto a = prediction.f32(), b = target.f32();
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference =
        pu21_encode(white_nits * static_cast<double>(a[i])) - pu21_encode(white_nits * static_cast<double>(b[i]));
    sum += difference * difference;
  }
  return psnr(sum / static_cast<double>(a.size()), pu21_peak);
}

PictureMetrics measure_pictures(const Tensor& prediction, const Tensor& target, MetricMode mode) {
  Tensor a = prediction.clone(), b = target.clone();
  for (Tensor* picture : {&a, &b}) {
    apply(*picture, [](double x) { return x > 0 ? x : 0; });  // NaN too
    if (mode == MetricMode::log) apply(*picture, [](double x) { return std::log1p(x); });
    if (mode == MetricMode::linear_clip) apply(*picture, [](double x) { return std::min(x, 1.0); });
    if (mode == MetricMode::tone_mapped) {
      const double largest = std::max(static_cast<double>(*std::ranges::max_element(picture->f32())), tiny);
      apply(*picture, [&](double x) { return std::log1p(x) / std::log1p(largest); });
    }
  }
  if (mode == MetricMode::percentile || mode == MetricMode::log) divide_by_percentile(a, b);

  PictureMetrics result;
  result.psnr = psnr(mean_squared_error(a.view(), b.view()));
  const int64_t height = a.shape()[2], width = a.shape()[3];
  if (height < Ssim::window || width < Ssim::window) {
    result.ssim = std::numeric_limits<double>::quiet_NaN();
    return result;
  }
  Ssim ssim;
  for (int64_t c = 0; c < 3; ++c) {
    const auto plane = [&](Tensor& picture) {
      return TensorView{
          DType::f32, {1, 1, height, width}, picture.data() + static_cast<size_t>(c * height * width) * sizeof(float)};
    };
    result.ssim += ssim.run(plane(a), plane(b)) / 3;
  }
  return result;
}

}  // namespace framelift
