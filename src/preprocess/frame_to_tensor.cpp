#include "preprocess/frame_to_tensor.h"

#include <algorithm>

#include "preprocess/check_color.h"
#include "preprocess/frame_to_tensor_kernels.h"
#include "preprocess/line_buffer.h"

namespace framelift {
namespace {

SampleRow samples(const PlaneView& plane, int bytes_per_sample, int x, int y) {
  return {plane.data + y * plane.stride_bytes + ptrdiff_t{x} * bytes_per_sample, bytes_per_sample};
}

// Columns of the picture that a span of possibly outlying columns reflects into: [first, last).
struct Columns {
  int first, last;
};
Columns reflected_columns(int begin, int end, int width) {
  if (begin >= 0 && end <= width) return {begin, end};
  Columns columns{width, 0};
  for (int x = begin; x < end; ++x) {
    const int i = reflect(x, width);
    columns = {std::min(columns.first, i), std::max(columns.last, i + 1)};
  }
  return columns;
}

// Chroma rows of one frame, filtered vertically in pairs: the pixel rows 2k and 2k + 1 share their inputs.
class ChromaRows {
 public:
  static constexpr int line_count = 4;

  ChromaRows(const Frame& frame, ChromaSiting siting, float center, Columns columns, float* lines, size_t stride)
      : frame_(frame), siting_(siting), center_(center), lines_(lines), stride_(stride) {
    const int shift = siting.x != Siting::none;
    first_ = columns.first >> shift;
    last_ = ((columns.last - 1) >> shift) + 1;
  }

  // Makes pixel row y available.
  void select(int y) {
    const int k = siting_.y == Siting::none ? y : y / 2;
    odd_ = siting_.y != Siting::none && y % 2;
    if (k == current_) return;
    current_ = k;
    for (int plane : {1, 2}) filter(frame_.planes[plane], k, line(plane, false), line(plane, true));
  }

  // Chroma from the first column's sample on; see subsampled_row_to_rgb().
  const float* row(int plane) const { return line(plane, odd_); }

 private:
  float* line(int plane, bool odd) const {
    return lines_ + static_cast<size_t>(2 * (plane - 1) + odd) * stride_ + 1;  // one sample of room to the left
  }

  void filter(const PlaneView& plane, int k, float* even, float* odd) const {
    // One more sample on each side feeds the horizontal filter.
    const int reach = siting_.x != Siting::none;
    const int begin = std::max(first_ - reach, 0), end = std::min(last_ + reach, plane.width);
    const auto row = [&](int y) { return samples(plane, frame_.format.bytes_per_sample(), begin, y); };
    filter_chroma_rows(siting_.y, row(chroma_before(k)), row(k), row(chroma_after(k, plane.height, frame_.height)),
                       center_, chroma_row_scale(siting_.x), static_cast<size_t>(end - begin), even + (begin - first_),
                       odd + (begin - first_));
    for (float* line : {even, odd}) {
      if (begin == first_) line[-1] = line[0];
      if (end == last_) line[last_ - first_] = line[chroma_after(plane.width - 1, plane.width, frame_.width) - first_];
    }
  }

  const Frame& frame_;
  ChromaSiting siting_;
  float center_;
  float* lines_;
  size_t stride_;
  int first_, last_;  // chroma columns
  int current_ = -1;
  bool odd_ = false;
};

}  // namespace

Result<FrameToTensor> FrameToTensor::create(const PixelFormat& format, const ColorInfo& color) {
  FL_CHECK(check_color(format, color));
  FrameToTensor converter;
  converter.format_ = format;
  converter.reading_.family = format.family;
  converter.reading_.siting = chroma_siting(format, color.chroma_location);
  if (!format.is_float()) converter.reading_.transform = code_to_rgb(color.matrix, color.range, format.bits);
  return converter;
}

void FrameToTensor::run(const Frame& frame, const Region& region, const PlanarRgb& dst) const {
  const ChromaSiting siting = reading_.siting;
  const CodeToRgb& transform = reading_.transform;
  const Columns columns = reflected_columns(region.x, region.right(), frame.width);
  const bool inside = columns.first == region.x && columns.last == region.right();
  const auto n = static_cast<size_t>(columns.last - columns.first);
  const int bytes = format_.bytes_per_sample();
  const bool subsampled = siting.x != Siting::none || siting.y != Siting::none;
  const size_t phase = siting.x != Siting::none ? columns.first % 2 : 0;

  size_t stride = 0;
  float* const lines = line_buffers(3 + ChromaRows::line_count, columns.last - columns.first + 8, &stride);
  ChromaRows chroma(frame, siting, transform.c_offset, columns, lines + 3 * stride, stride);

  for (int row = 0; row < region.height; ++row) {
    const int y = reflect(region.y + row, frame.height);
    float* const out = dst.first + row * dst.row;
    float* rgb[3];
    for (int c = 0; c < 3; ++c) rgb[c] = inside ? out + c * dst.plane : lines + static_cast<size_t>(c) * stride;

    const auto codes = [&](int plane) { return samples(frame.planes[plane], bytes, columns.first, y); };
    if (format_.is_float()) {
      for (int c = 0; c < 3; ++c)
        std::copy_n(static_cast<const float*>(codes(format_.family == ColorFamily::gray ? 0 : c).data), n, rgb[c]);
    } else if (format_.family != ColorFamily::yuv) {
      for (int c = 0; c < 3; ++c)
        code_row_to_signal(transform, codes(format_.family == ColorFamily::gray ? 0 : c), n, rgb[c]);
    } else if (!subsampled) {
      yuv_row_to_rgb(transform, codes(0), codes(1), codes(2), n, rgb);
    } else {
      chroma.select(y);
      subsampled_row_to_rgb(transform, siting.x, phase, codes(0), chroma.row(1), chroma.row(2), n, rgb);
    }
    if (inside) continue;
    for (int x = region.x; x < region.right(); ++x) {
      const int from = reflect(x, frame.width) - columns.first, to = x - region.x;
      for (int c = 0; c < 3; ++c) out[c * dst.plane + to] = rgb[c][from];
    }
  }
}

}  // namespace framelift
