#include "postprocess/mask/guided_upsampler.h"

#include <algorithm>
#include <utility>

namespace framelift {
namespace {

// Where cell i of `cells` begins among `size` pixels.
int cell_begin(int i, int size, int cells) { return static_cast<int>(int64_t{i} * size / cells); }

// Those of each cell, at least one.
std::vector<std::pair<int, int>> cells_of(int size, int cells) {
  std::vector<std::pair<int, int>> all;
  for (int i = 0; i < cells; ++i) {
    const int begin = cell_begin(i, size, cells);
    all.emplace_back(begin, std::max(cell_begin(i + 1, size, cells), begin + 1));
  }
  return all;
}

}  // namespace

Guide whole_guide(const TensorView& picture) {
  // Few enough bytes for a function that allocates nothing.
  const auto height = static_cast<int>(picture.shape[2]), width = static_cast<int>(picture.shape[3]);
  return [first = picture.as<float>(), height, width](const Region& part) {
    const float* red = first + int64_t{part.y} * width + part.x;
    const int64_t plane = int64_t{height} * width;
    return GuidePart{{red, red + plane, red + 2 * plane}, width};
  };
}

GuidedUpsampler::Axis::Axis(int from, int to) : low(static_cast<size_t>(to)), high(low.size()), weight(low.size()) {
  for (size_t i = 0; i < low.size(); ++i) {
    const double at = std::clamp((static_cast<double>(i) + 0.5) * from / to - 0.5, 0.0, from - 1.0);
    low[i] = static_cast<int32_t>(at);
    high[i] = std::min(low[i] + 1, from - 1);
    weight[i] = static_cast<float>(at - low[i]);
  }
}

GuidedUpsampler::GuidedUpsampler(int height, int width, int target_height, int target_width, int radius, float epsilon)
    : height_(height),
      width_(width),
      target_height_(target_height),
      target_width_(target_width),
      radius_(radius),
      guide_rows_((target_height + height - 1) / height),
      pixels_(static_cast<size_t>(height) * static_cast<size_t>(width)),
      epsilon_(epsilon),
      box_(height, width, radius),
      rows_(height, target_height),
      columns_(width, target_width),
      row_cells_(cells_of(target_height, height)),
      column_cells_(cells_of(target_width, width)),
      guide_small_(pixels_ * 9),
      statistics_(guide_small_.size()),
      fit_(pixels_ * 4),
      sure_(pixels_),
      sums_(static_cast<size_t>(target_width)),
      upper_(static_cast<size_t>(target_width) * 4),
      lower_(upper_.size()) {
  for (int x = 0; x <= width; ++x)
    column_begin_.push_back(static_cast<int>(std::ranges::lower_bound(columns_.low, x) - columns_.low.begin()));
}

// Each small pixel is the mean of the pixels of its cell.
void GuidedUpsampler::shrink_guide() {
  for (int y = 0; y < height_; ++y) {
    const auto [top, bottom] = row_cells_[static_cast<size_t>(y)];
    const GuidePart part = guide_({0, top, target_width_, bottom - top});
    for (size_t c = 0; c < 3; ++c) {
      std::ranges::fill(sums_, 0.0f);
      for (int row = 0; row < bottom - top; ++row)
        add_unit_row(part.rgb[c] + row * part.stride, sums_.size(), sums_.data());
      float* to = guide_small_.data() + c * pixels_ + static_cast<size_t>(y) * static_cast<size_t>(width_);
      for (const auto& [left, right] : column_cells_) {
        float sum = 0;
        for (int u = left; u < right; ++u) sum += sums_[static_cast<size_t>(u)];
        *to++ = sum / static_cast<float>((bottom - top) * (right - left));
      }
    }
  }
}

void GuidedUpsampler::set_guide(Guide guide) {
  if (radius_ == 0) return;
  guide_ = std::move(guide);
  shrink_guide();
  float* const g = guide_small_.data();
  for (size_t x = 0, k = 3; x < 3; ++x)
    for (size_t y = x; y < 3; ++y, ++k)
      for (size_t i = 0; i < pixels_; ++i) g[k * pixels_ + i] = g[x * pixels_ + i] * g[y * pixels_ + i];
  for (size_t at = 0; at < statistics_.size(); at += pixels_) box_.run(g + at, statistics_.data() + at, radius_);
  invert_covariances(epsilon_, pixels_, pixels_, statistics_.data());
}

// a and b of every window, and then their means over the windows that a pixel lies in.
void GuidedUpsampler::fit(const float* plane) {
  float* const b = fit_.data() + 3 * pixels_;
  std::copy_n(plane, pixels_, b);
  if (radius_ == 0) return;
  for (size_t at = 0; at < 3 * pixels_; at += pixels_)
    for (size_t i = 0; i < pixels_; ++i) fit_[at + i] = guide_small_[at + i] * plane[i];
  const auto means = [&] {
    for (size_t at = 0; at < fit_.size(); at += pixels_) box_.run(fit_.data() + at, fit_.data() + at, radius_);
  };
  means();
  fit_windows(statistics_.data(), pixels_, pixels_, fit_.data());
  means();
}

// Between the least and the most that a . guide + b can be.
void GuidedUpsampler::find_sure(const MatteEdges& edges) {
  const float low = edges.low(), high = edges.high();
  const float *r = fit_.data(), *g = r + pixels_, *b = g + pixels_, *offset = b + pixels_;
  for (size_t i = 0; i < pixels_; ++i) {
    const float most = offset[i] + std::max(r[i], 0.0f) + std::max(g[i], 0.0f) + std::max(b[i], 0.0f);
    const float least = offset[i] + std::min(r[i], 0.0f) + std::min(g[i], 0.0f) + std::min(b[i], 0.0f);
    sure_[i] = static_cast<uint8_t>((most <= low ? 1 : 0) | (least >= high ? 2 : 0));
  }
}

void GuidedUpsampler::run(const float* plane, const MatteEdges& edges, const TensorView& target) {
  fit(plane);
  find_sure(edges);
  for (int y = 0; y < target_height_;) {
    const auto at = static_cast<size_t>(y);
    int rows = 1;  // between the same two small ones
    while (rows < guide_rows_ && y + rows < target_height_ &&
           rows_.low[at + static_cast<size_t>(rows)] == rows_.low[at])
      ++rows;
    paint_rows({0, y, target_width_, rows}, rows_.low[at], rows_.high[at], edges, target);
    y += rows;
  }
}

void GuidedUpsampler::paint_rows(const Region& rows, int upper, int lower, const MatteEdges& edges,
                                 const TensorView& target) {
  const uint8_t *above = sure_.data() + int64_t{upper} * width_, *below = sure_.data() + int64_t{lower} * width_;
  // What all four small pixels around are sure of.
  const auto sure = [&](int x) {
    const int next = std::min(x + 1, width_ - 1);
    return above[x] & above[next] & below[x] & below[next];
  };
  for (int x = 0; x < width_;) {
    const int kind = sure(x), first = x;
    while (++x < width_ && sure(x) == kind) continue;
    const int left = column_begin_[static_cast<size_t>(first)], right = column_begin_[static_cast<size_t>(x)];
    if (left == right) continue;
    float* const to = target.as<float>() + int64_t{rows.y} * target_width_ + left;
    if (kind == 0) {
      paint_part({left, rows.y, right - left, rows.height}, upper, lower, edges, to);
    } else {
      for (int y = 0; y < rows.height; ++y)
        std::fill_n(to + int64_t{y} * target_width_, right - left, kind == 2 ? 1.0f : 0.0f);
    }
  }
}

void GuidedUpsampler::paint_part(const Region& part, int upper, int lower, const MatteEdges& edges, float* target) {
  const auto n = static_cast<size_t>(part.width), left = static_cast<size_t>(part.x);
  const auto stride = static_cast<size_t>(target_width_);
  const StretchRow columns{columns_.low.data() + left, columns_.high.data() + left, columns_.weight.data() + left};
  for (size_t plane = radius_ > 0 ? 0 : 3; plane < 4; ++plane) {
    const float* from = fit_.data() + plane * pixels_;
    stretch_row(columns, from + int64_t{upper} * width_, n, upper_.data() + plane * stride);
    stretch_row(columns, from + int64_t{lower} * width_, n, lower_.data() + plane * stride);
  }
  GuidePart guide;
  if (radius_ > 0) guide = guide_(part);
  for (int y = 0; y < part.height; ++y) {
    const FitRows fit{upper_.data(), lower_.data(), stride,
                      rows_.weight[static_cast<size_t>(part.y) + static_cast<size_t>(y)]};
    const float* const rgb[3] = {guide.rgb[0] + y * guide.stride, guide.rgb[1] + y * guide.stride,
                                 guide.rgb[2] + y * guide.stride};
    guided_row(fit, radius_ > 0 ? rgb : nullptr, edges, n, target + int64_t{y} * target_width_);
  }
}

}  // namespace framelift
