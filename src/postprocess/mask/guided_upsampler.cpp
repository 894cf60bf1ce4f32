#include "postprocess/mask/guided_upsampler.h"

#include <algorithm>
#include <cstdint>

namespace framelift {
namespace {

// Each small pixel is the mean of the pixels of its cell; of at least one.
void shrink(const TensorView& picture, int height, int width, float* to) {
  const auto rows = static_cast<int>(picture.shape[2]), columns = static_cast<int>(picture.shape[3]);
  const auto begin = [](int cell, int size, int cells) { return static_cast<int>(int64_t{cell} * size / cells); };
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int y0 = begin(y, rows, height), y1 = std::max(begin(y + 1, rows, height), y0 + 1);
      const int x0 = begin(x, columns, width), x1 = std::max(begin(x + 1, columns, width), x0 + 1);
      double sum = 0;
      for (int v = y0; v < y1; ++v)
        for (int u = x0; u < x1; ++u) sum += picture.as<float>()[int64_t{v} * columns + u];
      *to++ = static_cast<float>(sum / (double(y1 - y0) * (x1 - x0)));
    }
}

}  // namespace

GuidedUpsampler::GuidedUpsampler(int height, int width, int target_height, int target_width, int radius, float epsilon)
    : height_(height),
      width_(width),
      radius_(radius),
      epsilon_(epsilon),
      enlarge_(Reducer::to_size(height, width, target_height, target_width, Reduction::bilinear)),
      box_(height, width),
      small_(DType::f32, {1, 1, height, width}),
      slope_(DType::f32, {1, 1, target_height, target_width}) {
  for (auto* plane : {&guide_small_, &mean_guide_, &variance_, &mean_plane_, &product_})
    plane->resize(small_.f32().size());
}

void GuidedUpsampler::set_guide(const TensorView& guide) {
  guide_ = guide;
  if (radius_ == 0) return;
  shrink(guide, height_, width_, guide_small_.data());
  box_.run(guide_small_.data(), mean_guide_.data(), radius_);
  std::ranges::transform(guide_small_, variance_.begin(), [](float v) { return v * v; });
  box_.run(variance_.data(), variance_.data(), radius_);
  for (size_t i = 0; i < variance_.size(); ++i) variance_[i] -= mean_guide_[i] * mean_guide_[i];
}

void GuidedUpsampler::run(const float* plane, const TensorView& target) {
  const size_t pixels = small_.f32().size();
  if (radius_ == 0) {
    std::copy_n(plane, pixels, small_.as<float>());
    return enlarge_.run(small_.view(), target);
  }
  box_.run(plane, mean_plane_.data(), radius_);
  for (size_t i = 0; i < pixels; ++i) product_[i] = plane[i] * guide_small_[i];
  box_.run(product_.data(), product_.data(), radius_);
  float* slope = small_.as<float>();
  for (size_t i = 0; i < pixels; ++i)
    slope[i] = (product_[i] - mean_plane_[i] * mean_guide_[i]) / (std::max(variance_[i], 0.0f) + epsilon_);
  for (size_t i = 0; i < pixels; ++i) product_[i] = mean_plane_[i] - slope[i] * mean_guide_[i];
  // Each pixel lies in many windows, whose fits are averaged.
  box_.run(slope, slope, radius_);
  enlarge_.run(small_.view(), slope_.view());
  box_.run(product_.data(), small_.as<float>(), radius_);
  enlarge_.run(small_.view(), target);
  for (size_t i = 0; i < target.f32().size(); ++i)
    target.f32()[i] = std::clamp(slope_.f32()[i] * guide_.f32()[i] + target.f32()[i], 0.0f, 1.0f);
}

}  // namespace framelift
