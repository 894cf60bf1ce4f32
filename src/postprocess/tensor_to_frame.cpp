#include "postprocess/tensor_to_frame.h"

#include <algorithm>
#include <cstring>

#include "postprocess/tensor_to_frame_kernels.h"
#include "preprocess/check_color.h"
#include "preprocess/line_buffer.h"

namespace framelift {
namespace {

// Floats as they are. Gray takes luminance, which for R = G = B is their value to the last bit.
void copy_floats(const RgbToCode& transform, const RgbRow& rgb, size_t n, int planes, float* const (&out)[3]) {
  if (planes == 3) {
    for (int c = 0; c < 3; ++c) std::copy_n(rgb.channel[c], n, out[c]);
    return;
  }
  const float* weights = transform.m[0];
  for (size_t i = 0; i < n; ++i) {
    const float r = rgb.channel[0][i], g = rgb.channel[1][i], b = rgb.channel[2][i];
    out[0][i] = r == g && b == g ? g : weights[0] * r + weights[1] * g + weights[2] * b;
  }
}

// Writes luma and subsampled chroma of a region, reading each row of the tensor once.
//
// Where chroma sits between rows, both of them make one chroma line at once; with vertical siting `none` each row makes
// its own. Such a line is halved horizontally and quantised straight away. Where chroma sits on even rows, lines halved
// horizontally wait in a ring until the vertical filter has all five it needs.
class SubsampledWriter {
 public:
  SubsampledWriter(ChromaSiting siting, const Region& covered, const Region& region, const Frame& dst)
      : siting_(siting), region_(region), picture_width_(dst.width), picture_height_(dst.height) {
    // Three planes, two rows each, are more streams than processors follow unaided. Only worth its instructions where
    // the tensor comes from memory.
    constexpr int64_t typical_cache_bytes = 32 << 20;
    const int64_t tensor_bytes = int64_t{covered.width} * covered.height * 3 * int64_t{sizeof(float)};
    if (tensor_bytes > typical_cache_bytes) prefetch_ = 2 * static_cast<size_t>(covered.width);
    scratch_ = line_buffers(2 + 2 * ring_size, region.width + 2 * pad, &stride_);
    chroma_width_ = siting.x == Siting::none ? region.width : (region.width + 1) / 2;
  }

  // rgb(x, y) -> RgbRow; codes(plane, x, y) -> CodeRow; x and y in samples of that plane.
  template <class Rgb, class Codes>
  void write(const RgbToCode& transform, const Rgb& rgb, const Codes& codes) {
    const int shift_y = siting_.y != Siting::none;
    const int end = (region_.bottom() + shift_y) >> shift_y;
    int next = std::max(region_.y - 2, 0);
    for (int k = region_.y >> shift_y; k < end; ++k) {
      if (siting_.y == Siting::cosited) {
        for (; next <= std::min(2 * k + 2, picture_height_ - 1); ++next) {
          make_lines(transform, next, next, rgb, codes);
          for (int plane : {1, 2}) store_in_ring(plane, next);
        }
        for (int plane : {1, 2}) filter_ring(plane, k, chroma_codes(codes, plane, k));
      } else {
        const int y = k << shift_y;
        make_lines(transform, y, std::min(y + shift_y, picture_height_ - 1), rgb, codes);
        for (int plane : {1, 2})
          downsample_row_to_code(siting_.x, line(plane), static_cast<size_t>(chroma_width_),
                                 chroma_codes(codes, plane, k));
      }
    }
  }

 private:
  static constexpr int ring_size = 8;  // a power of two above the five rows of the longest filter
  static constexpr int pad = 16;       // room for the margins on either side of a line

  float* line(int plane) { return scratch_ + static_cast<size_t>(plane - 1) * stride_ + pad; }
  float* ring(int plane, int y) {
    return scratch_ + static_cast<size_t>(2 + (plane - 1) * ring_size + (y & (ring_size - 1))) * stride_;
  }
  template <class Codes>
  CodeRow chroma_codes(const Codes& codes, int plane, int k) const {
    return codes(plane, siting_.x == Siting::none ? region_.x : region_.x / 2, k);
  }

  // Writes luma of row y, and of row y2 unless that is the same row, and makes their mean chroma lines.
  template <class Rgb, class Codes>
  void make_lines(const RgbToCode& transform, int y, int y2, const Rgb& rgb, const Codes& codes) {
    const auto convert = [&](int x, int width, bool with_luma) {
      const RgbRow rows[2] = {rgb(x, y), rgb(x, y2)};
      CodeRow luma[2] = {codes(0, x, y), codes(0, x, y2)};
      if (!with_luma) luma[0].data = luma[1].data = nullptr;
      rgb_rows_to_luma_and_chroma(transform, rows, y2 == y ? 1 : 2, static_cast<size_t>(width), prefetch_, luma,
                                  line(1) + (x - region_.x), line(2) + (x - region_.x));
    };
    convert(region_.x, region_.width, y >= region_.y && y < region_.bottom());
    if (siting_.x == Siting::none) return;
    if (siting_.x == Siting::cosited) {
      if (const int left = std::min(region_.x, 2)) convert(region_.x - left, left, false);
      if (region_.right() < picture_width_) convert(region_.right(), 1, false);
    }
    for (int plane : {1, 2}) extend(line(plane));
  }

  void store_in_ring(int plane, int y) {
    if (siting_.x == Siting::none)
      std::copy_n(line(plane), chroma_width_, ring(plane, y));
    else
      downsample_row(siting_.x, line(plane), static_cast<size_t>(chroma_width_), ring(plane, y));
  }

  void filter_ring(int plane, int k, const CodeRow& out) {
    const float* rows[5];
    for (int j = 0; j < 5; ++j) rows[j] = ring(plane, reflect(2 * k + j - 2, picture_height_));
    downsample_rows_to_code(rows, static_cast<size_t>(chroma_width_), out);
  }

  // Continues a full-resolution chroma row beyond the picture's borders.
  void extend(float* line) const {
    const int end = picture_width_ - region_.x;
    if (siting_.x == Siting::centered) {
      if (region_.right() == picture_width_) line[end] = line[end - 1];
      return;
    }
    const auto reflected = [&](int x) { return line[reflect(region_.x + x, picture_width_) - region_.x]; };
    if (region_.x == 0)
      for (int x : {-2, -1}) line[x] = reflected(x);
    if (region_.right() == picture_width_)
      for (int x : {end, end + 1}) line[x] = reflected(x);
  }

  ChromaSiting siting_;
  Region region_;
  int picture_width_, picture_height_;
  float* scratch_ = nullptr;
  size_t stride_ = 0;
  int chroma_width_ = 0;
  size_t prefetch_ = 0;
};

}  // namespace

Result<TensorToFrame> TensorToFrame::create(const PixelFormat& format, const ColorInfo& color, bool dither) {
  FL_CHECK(check_color(format, color));
  TensorToFrame converter;
  converter.format_ = format;
  converter.writing_.family = format.family;
  converter.writing_.dither = dither;
  converter.writing_.siting = chroma_siting(format, color.chroma_location);
  if (format.is_float()) {
    const Matrix3 luma = ycbcr_from_rgb(color.matrix);
    for (int j = 0; j < 3; ++j) converter.writing_.transform.m[0][j] = static_cast<float>(luma.m[0][j]);
    return converter;
  }
  converter.writing_.top = static_cast<float>((1 << format.bits) - 1);
  converter.writing_.transform = rgb_to_code(color.matrix, color.range, format.bits);
  if (format.family == ColorFamily::rgb) {
    const Quantization q = quantization(MatrixCoefficients::rgb, color.range, format.bits);
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j)
        converter.writing_.transform.m[i][j] = i == j ? static_cast<float>(q.luma_span) : 0.0f;
      converter.writing_.transform.offset[i] = static_cast<float>(q.luma_offset);
    }
  }
  converter.bias_ = BiasTable(converter.writing_.transform.offset, dither);
  return converter;
}

int TensorToFrame::margin() const {
  return writing_.siting.x == Siting::cosited || writing_.siting.y == Siting::cosited ? 2 : 0;
}

void TensorToFrame::run(const TensorView& src, const Region& covered, const Region& region, const Frame& dst) const {
  const int64_t plane_size = int64_t{covered.width} * covered.height;
  const auto rgb = [&](int x, int y) {
    const float* p = src.as<float>() + int64_t{y - covered.y} * covered.width + (x - covered.x);
    return RgbRow{{p, p + plane_size, p + 2 * plane_size}};
  };
  const auto n = static_cast<size_t>(region.width);
  const int planes = format_.family == ColorFamily::gray ? 1 : 3;
  if (format_.alpha) fill_opaque(dst.planes[format_.plane_count() - 1], format_, region);
  if (format_.is_float()) {
    for (int y = region.y; y < region.bottom(); ++y) {
      float* out[3] = {};
      for (int p = 0; p < planes; ++p) out[p] = dst.planes[p].row<float>(y) + region.x;
      copy_floats(writing_.transform, rgb(region.x, y), n, planes, out);
    }
    return;
  }
  const auto codes = [&](int plane, int x, int y) {
    std::byte* data = dst.planes[plane].data + y * dst.planes[plane].stride_bytes + x * format_.bytes_per_sample();
    return CodeRow{data, bias_.row(plane, x, y), writing_.top};
  };

  if (writing_.siting.x != Siting::none || writing_.siting.y != Siting::none) {
    SubsampledWriter(writing_.siting, covered, region, dst).write(writing_.transform, rgb, codes);
    return;
  }
  for (int y = region.y; y < region.bottom(); ++y) {
    const RgbRow row = rgb(region.x, y);
    if (format_.family == ColorFamily::rgb) {
      for (int c = 0; c < 3; ++c)
        signal_row_to_code(row.channel[c], writing_.transform.m[c][c], n, codes(c, region.x, y));
      continue;
    }
    CodeRow out[3];
    for (int p = 0; p < planes; ++p) out[p] = codes(p, region.x, y);
    rgb_row_to_codes(writing_.transform, row, n, planes, out);
  }
}

}  // namespace framelift
