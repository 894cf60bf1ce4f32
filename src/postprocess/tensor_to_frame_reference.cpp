#include <algorithm>
#include <cmath>

#include "postprocess/tensor_to_frame.h"

namespace framelift {
namespace {

// One pixel of the tensor by picture coordinates.
struct Source {
  const float* data;
  Region covered;

  float rgb(int channel, int x, int y) const {
    const int64_t row = int64_t{channel} * covered.height + (y - covered.y);
    return data[row * covered.width + (x - covered.x)];
  }
};

// The LeGall filter along one axis, in the order of operations of the vector kernels.
template <class At>
float downsample(int k, int size, At&& at) {
  auto sample = [&](int j) { return at(reflect(2 * k + j, size)); };
  return (sample(0) * 0.75f + (sample(-1) + sample(1)) * 0.25f) - (sample(-2) + sample(2)) * 0.125f;
}

// One sample of one plane, before offset, dither, clamping and rounding.
float yuv_code_at(const RgbToCode& t, const Source& source, ChromaSiting siting, int plane, int x, int y, int width,
                  int height) {
  const auto weighted = [&](int column, int row, int second_row, float scale) {
    float sum = 0;
    for (int c = 0; c < 3; ++c) {
      float value = source.rgb(c, column, row);
      if (second_row != row) value += source.rgb(c, column, second_row);
      const float term = t.m[plane][c] * scale * value;
      sum = c == 0 ? term : sum + term;
    }
    return sum;
  };
  const auto along_y = [&](int column) {
    if (siting.y == Siting::none) return weighted(column, y, y, 1.0f);
    if (siting.y == Siting::centered) {
      const int second = std::min(2 * y + 1, height - 1);
      return weighted(column, 2 * y, second, second == 2 * y ? 1.0f : 0.5f);
    }
    return 0.0f;
  };
  const auto along_x = [&](const auto& at) {
    if (siting.x == Siting::none) return at(x);
    if (siting.x == Siting::centered) return (at(2 * x) + at(std::min(2 * x + 1, width - 1))) * 0.5f;
    return downsample(x, width, at);
  };
  if (siting.y != Siting::cosited) return along_x(along_y);
  return downsample(y, height,
                    [&](int row) { return along_x([&](int column) { return weighted(column, row, row, 1.0f); }); });
}

}  // namespace

void TensorToFrame::reference_floats(const TensorView& src, const Region& covered, const Region& region,
                                     const Frame& dst) const {
  const Source source{src.as<float>(), covered};
  for (int p = 0; p < format_.plane_count(); ++p)
    for (int y = region.y; y < region.bottom(); ++y)
      for (int x = region.x; x < region.right(); ++x) {
        float& sample = dst.planes[p].row<float>(y)[x];
        if (format_.alpha && p == format_.plane_count() - 1) {
          sample = 1;
        } else if (format_.family == ColorFamily::rgb) {
          sample = source.rgb(p, x, y);
        } else {
          const float r = source.rgb(0, x, y), g = source.rgb(1, x, y), b = source.rgb(2, x, y);
          const float* weights = transform_.m[0];
          sample = r == g && b == g ? g : weights[0] * r + weights[1] * g + weights[2] * b;
        }
      }
}

template <class Sample>
void TensorToFrame::reference(const TensorView& src, const Region& covered, const Region& region,
                              const Frame& dst) const {
  const Source source{src.as<float>(), covered};
  const float top = static_cast<float>((1 << format_.bits) - 1);
  for (int p = 0; p < format_.plane_count(); ++p) {
    const bool is_alpha = format_.alpha && p == format_.plane_count() - 1;
    const ChromaSiting siting = format_.is_chroma(p) ? siting_ : ChromaSiting{};
    const int shift_x = siting.x != Siting::none, shift_y = siting.y != Siting::none;
    for (int y = region.y >> shift_y; y < (region.bottom() + shift_y) >> shift_y; ++y)
      for (int x = region.x >> shift_x; x < (region.right() + shift_x) >> shift_x; ++x) {
        float code = top;
        if (!is_alpha) {
          if (format_.family == ColorFamily::rgb)
            code = transform_.m[p][p] * source.rgb(p, x, y);
          else
            code = yuv_code_at(transform_, source, siting, p, x, y, dst.width, dst.height);
          if (std::isnan(code)) code = 0;
          code += *bias_.row(p, x, y);
        }
        const float clamped = std::clamp(code, 0.0f, top);
        dst.planes[p].row<Sample>(y)[x] = static_cast<Sample>(std::nearbyint(clamped));
      }
  }
}

void TensorToFrame::run_reference(const TensorView& src, const Region& covered, const Region& region,
                                  const Frame& dst) const {
  if (format_.is_float())
    reference_floats(src, covered, region, dst);
  else if (format_.bits > 8)
    reference<uint16_t>(src, covered, region, dst);
  else
    reference<uint8_t>(src, covered, region, dst);
}

}  // namespace framelift
