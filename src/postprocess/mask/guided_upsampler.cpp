#include "postprocess/mask/guided_upsampler.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace framelift {
namespace {

// NaN becomes 0.
float unit(float v) { return v > 0 ? std::min(v, 1.0f) : 0.0f; }

// Where cell i of `cells` begins among `size` pixels.
int cell_begin(int i, int size, int cells) { return static_cast<int>(int64_t{i} * size / cells); }

// Each small pixel is the mean of the pixels of its cell, of at least one; into every `step`-th float. `sums`: room for
// a row.
void shrink(const float* from, int rows, int columns, int height, int width, float* to, int step,
            std::vector<float>& sums) {
  for (int y = 0; y < height; ++y) {
    const int top = cell_begin(y, rows, height), bottom = std::max(cell_begin(y + 1, rows, height), top + 1);
    std::ranges::fill(sums, 0.0f);
    for (int v = top; v < bottom; ++v) {
      const float* row = from + int64_t{v} * columns;
      for (size_t u = 0; u < sums.size(); ++u) sums[u] += unit(row[u]);
    }
    for (int x = 0; x < width; ++x, to += step) {
      const int left = cell_begin(x, columns, width), right = std::max(cell_begin(x + 1, columns, width), left + 1);
      float sum = 0;
      for (int u = left; u < right; ++u) sum += sums[static_cast<size_t>(u)];
      *to = sum / static_cast<float>((bottom - top) * (right - left));
    }
  }
}

// The inverse of a symmetric positive definite matrix {00, 01, 02, 11, 12, 22}, in place.
void invert(float* m) {
  const double a = m[0], b = m[1], c = m[2], d = m[3], e = m[4], f = m[5];
  const double i00 = d * f - e * e, i01 = c * e - b * f, i02 = b * e - c * d;
  const double scale = 1 / (a * i00 + b * i01 + c * i02);
  const std::array inverse{i00, i01, i02, a * f - c * c, b * c - a * e, a * d - b * b};
  for (size_t i = 0; i < 6; ++i) m[i] = static_cast<float>(inverse[i] * scale);
}

}  // namespace

std::vector<GuidedUpsampler::Tap> GuidedUpsampler::taps(int from, int to) {
  std::vector<Tap> taps(static_cast<size_t>(to));
  for (int i = 0; i < to; ++i) {
    const double at = std::clamp((i + 0.5) * from / to - 0.5, 0.0, from - 1.0);
    const auto low = static_cast<int>(at);
    taps[static_cast<size_t>(i)] = {low, std::min(low + 1, from - 1), static_cast<float>(at - low)};
  }
  return taps;
}

GuidedUpsampler::GuidedUpsampler(int height, int width, int target_height, int target_width, int radius, float epsilon)
    : height_(height),
      width_(width),
      target_height_(target_height),
      target_width_(target_width),
      radius_(radius),
      epsilon_(epsilon),
      box9_(height, width),
      box4_(height, width),
      rows_(taps(height, target_height)),
      columns_(taps(width, target_width)),
      guide_small_(static_cast<size_t>(height) * static_cast<size_t>(width) * 9),
      statistics_(guide_small_.size()),
      fit_(static_cast<size_t>(height) * static_cast<size_t>(width) * 4),
      sums_(static_cast<size_t>(target_width)),
      upper_(static_cast<size_t>(target_width) * 4),
      lower_(upper_.size()) {}

void GuidedUpsampler::set_guide(const TensorView& guide) {
  guide_ = guide;
  if (radius_ == 0) return;
  for (int c = 0; c < 3; ++c)
    shrink(guide.as<float>() + int64_t{c} * target_height_ * target_width_, target_height_, target_width_, height_,
           width_, guide_small_.data() + c, 9, sums_);
  for (size_t i = 0; i < guide_small_.size(); i += 9) {
    float* g = guide_small_.data() + i;
    const float r = g[0], green = g[1], b = g[2];
    std::ranges::copy(std::array{r * r, r * green, r * b, green * green, green * b, b * b}, g + 3);
  }
  box9_.run(guide_small_.data(), statistics_.data(), radius_);
  for (size_t i = 0; i < statistics_.size(); i += 9) {
    const float* mean = statistics_.data() + i;
    float* m = statistics_.data() + i + 3;
    for (size_t row = 0, k = 0; row < 3; ++row)
      for (size_t column = row; column < 3; ++column, ++k) m[k] -= mean[row] * mean[column];
    // Rounding may leave a variance a little below 0.
    for (size_t k : {0, 3, 5}) m[k] = std::max(m[k], 0.0f) + epsilon_;
    invert(m);
  }
}

// a and b of every window, and then their means over the windows that a pixel lies in.
void GuidedUpsampler::fit(const float* plane) {
  const size_t pixels = fit_.size() / 4;
  for (size_t i = 0; i < pixels; ++i) {
    const float* g = guide_small_.data() + i * 9;
    for (size_t c = 0; c < 3; ++c) fit_[i * 4 + c] = radius_ > 0 ? g[c] * plane[i] : 0.0f;
    fit_[i * 4 + 3] = plane[i];
  }
  if (radius_ == 0) return;
  box4_.run(fit_.data(), fit_.data(), radius_);
  for (size_t i = 0; i < pixels; ++i) {
    const float *mean = statistics_.data() + i * 9, *m = mean + 3;
    float* f = fit_.data() + i * 4;
    const std::array cov{f[0] - mean[0] * f[3], f[1] - mean[1] * f[3], f[2] - mean[2] * f[3]};
    f[0] = m[0] * cov[0] + m[1] * cov[1] + m[2] * cov[2];
    f[1] = m[1] * cov[0] + m[3] * cov[1] + m[4] * cov[2];
    f[2] = m[2] * cov[0] + m[4] * cov[1] + m[5] * cov[2];
    f[3] -= f[0] * mean[0] + f[1] * mean[1] + f[2] * mean[2];
  }
  box4_.run(fit_.data(), fit_.data(), radius_);
}

void GuidedUpsampler::stretch_row(int y, std::vector<float>& row) const {
  const float* from = fit_.data() + int64_t{y} * width_ * 4;
  for (size_t x = 0; x < columns_.size(); ++x) {
    const Tap& tap = columns_[x];
    const float *low = from + int64_t{tap.low} * 4, *high = from + int64_t{tap.high} * 4;
    for (size_t c = 0; c < 4; ++c) row[c * columns_.size() + x] = low[c] + (high[c] - low[c]) * tap.weight;
  }
}

void GuidedUpsampler::run(const float* plane, const TensorView& target) {
  fit(plane);
  const auto width = static_cast<size_t>(target_width_), pixels = width * static_cast<size_t>(target_height_);
  int upper = -1, lower = -1;  // the rows in upper_ and lower_
  for (int y = 0; y < target_height_; ++y) {
    const Tap& tap = rows_[static_cast<size_t>(y)];
    if (tap.low == lower) {
      std::swap(upper_, lower_);
      std::swap(upper, lower);
    }
    if (upper != tap.low) stretch_row(upper = tap.low, upper_);
    if (lower != tap.high) stretch_row(lower = tap.high, lower_);
    const float *u = upper_.data(), *l = lower_.data(), weight = tap.weight;
    float* out = target.as<float>() + static_cast<size_t>(y) * width;
    const auto between = [&](size_t at) { return u[at] + (l[at] - u[at]) * weight; };
    if (radius_ == 0) {
      for (size_t x = 0; x < width; ++x) out[x] = unit(between(3 * width + x));
      continue;
    }
    const float *r = guide_.as<float>() + static_cast<size_t>(y) * width, *g = r + pixels, *b = g + pixels;
    for (size_t x = 0; x < width; ++x)
      out[x] = unit(between(x) * unit(r[x]) + between(width + x) * unit(g[x]) + between(2 * width + x) * unit(b[x]) +
                    between(3 * width + x));
  }
}

}  // namespace framelift
