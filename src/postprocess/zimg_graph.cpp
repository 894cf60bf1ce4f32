#include "postprocess/zimg_graph.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace framelift {
namespace {

tl::unexpected<Error> zimg_failure() {
  char text[256] = "";
  const zimg_error_code_e code = zimg_get_last_error(text, sizeof(text));
  zimg_clear_last_error();
  return fail(code == ZIMG_ERROR_OUT_OF_MEMORY ? ErrorCode::out_of_memory : ErrorCode::unsupported,
              "the picture cannot be resized: {} (zimg error {})", text, static_cast<int>(code));
}

ptrdiff_t aligned(ptrdiff_t bytes) {
  constexpr auto unit = static_cast<ptrdiff_t>(zimg_alignment);
  return (bytes + unit - 1) / unit * unit;
}

zimg_chroma_location_e zimg_location(ChromaLocation location) {
  switch (location) {
    case ChromaLocation::center: return ZIMG_CHROMA_CENTER;
    case ChromaLocation::top_left: return ZIMG_CHROMA_TOP_LEFT;
    default: return ZIMG_CHROMA_LEFT;
  }
}

}  // namespace

Result<ZimgGraph> ZimgGraph::create(const zimg_image_format& src, const zimg_image_format& dst, bool dither,
                                    ResizeFilter filter) {
  zimg_graph_builder_params params;
  zimg_graph_builder_params_default(&params, ZIMG_API_VERSION);
  params.resample_filter = params.resample_filter_uv =
      filter == ResizeFilter::lanczos ? ZIMG_RESIZE_LANCZOS : ZIMG_RESIZE_BILINEAR;
  if (filter == ResizeFilter::lanczos) params.filter_param_a = params.filter_param_a_uv = 3;  // lobes
  params.dither_type = dither ? ZIMG_DITHER_ORDERED : ZIMG_DITHER_NONE;
  // Not AUTO_64B: the AVX-512 resizer of zimg 3.0.4 draws wrong vertical lines where columns shrink
  // (https://github.com/vapoursynth/vapoursynth/issues/1063; resize_test.cpp sees it).
  params.cpu_type = ZIMG_CPU_AUTO;
  ZimgGraph result;
  result.graph_.reset(zimg_filter_graph_build(&src, &dst, &params));
  size_t bytes = 0;
  if (!result.graph_ || zimg_filter_graph_get_tmp_size(result.graph_.get(), &bytes) != ZIMG_ERROR_SUCCESS)
    return zimg_failure();
  unsigned rows = 0;
  if (zimg_filter_graph_get_output_buffering(result.graph_.get(), &rows) != ZIMG_ERROR_SUCCESS) return zimg_failure();
  result.buffer_rows_ = static_cast<int>(std::bit_ceil(std::min(rows, dst.height)));
  result.temporary_ = Tensor(DType::u8, {static_cast<int64_t>(std::max<size_t>(bytes, 1))});
  return result;
}

Status ZimgGraph::run(const PlaneView* src, const PlaneView* dst, int planes) {
  return process(src, dst, planes, ZIMG_BUFFER_MAX, nullptr);
}

Status ZimgGraph::run_rows(const PlaneView* src, const PlaneView* buffer, int planes, const TakeRow& take) {
  return process(src, buffer, planes, static_cast<unsigned>(buffer_rows_) - 1, &take);
}

Status ZimgGraph::process(const PlaneView* src, const PlaneView* dst, int planes, unsigned dst_mask,
                          const TakeRow* take) {
  zimg_image_buffer_const from{};
  zimg_image_buffer to{};
  from.version = to.version = ZIMG_API_VERSION;
  for (int p = 0; p < planes; ++p) {
    from.plane[p] = {src[p].data, src[p].stride_bytes, ZIMG_BUFFER_MAX};
    to.plane[p] = {dst[p].data, dst[p].stride_bytes, dst_mask};
  }
  const auto row_made = [](void* user, unsigned y, unsigned left, unsigned right) {
    (*static_cast<const TakeRow*>(user))(static_cast<int>(y), static_cast<int>(left), static_cast<int>(right));
    return 0;
  };
  if (zimg_filter_graph_process(graph_.get(), &from, &to, temporary_.data(), nullptr, nullptr,
                                take ? static_cast<zimg_filter_graph_callback>(row_made) : nullptr,
                                const_cast<TakeRow*>(take)) != ZIMG_ERROR_SUCCESS)
    return zimg_failure();
  return {};
}

ZimgSize zimg_size(const PixelFormat& format, int width, int height) {
  if (format.family != ColorFamily::yuv) return {width, height};
  return {(width + format.chroma_shift_x) >> format.chroma_shift_x << format.chroma_shift_x,
          (height + format.chroma_shift_y) >> format.chroma_shift_y << format.chroma_shift_y};
}

zimg_image_format zimg_format(const PixelFormat& format, const ColorInfo& color, ZimgSize size) {
  zimg_image_format f;
  zimg_image_format_default(&f, ZIMG_API_VERSION);
  f.width = static_cast<unsigned>(size.width);
  f.height = static_cast<unsigned>(size.height);
  f.pixel_type = format.is_float() ? ZIMG_PIXEL_FLOAT : format.bits > 8 ? ZIMG_PIXEL_WORD : ZIMG_PIXEL_BYTE;
  f.depth = format.bits;
  f.pixel_range = color.range == ColorRange::full ? ZIMG_RANGE_FULL : ZIMG_RANGE_LIMITED;
  // ColorInfo and zimg both use the code points of H.273.
  f.matrix_coefficients = static_cast<zimg_matrix_coefficients_e>(color.matrix);
  f.transfer_characteristics = static_cast<zimg_transfer_characteristics_e>(color.transfer);
  f.color_primaries = static_cast<zimg_color_primaries_e>(color.primaries);
  switch (format.family) {
    case ColorFamily::gray: f.color_family = ZIMG_COLOR_GREY; break;
    case ColorFamily::rgb:
      f.color_family = ZIMG_COLOR_RGB;
      f.matrix_coefficients = ZIMG_MATRIX_RGB;
      break;
    case ColorFamily::yuv:
      f.color_family = ZIMG_COLOR_YUV;
      f.subsample_w = format.chroma_shift_x;
      f.subsample_h = format.chroma_shift_y;
      f.chroma_location = zimg_location(color.chroma_location);
      break;
  }
  return f;
}

bool zimg_can_use(const PlaneView* planes, int count) {
  return std::all_of(planes, planes + count, [](const PlaneView& p) {
    return reinterpret_cast<uintptr_t>(p.data) % zimg_alignment == 0 &&
           p.stride_bytes % static_cast<ptrdiff_t>(zimg_alignment) == 0;
  });
}

StagedPicture::StagedPicture(const PixelFormat& format, ZimgSize size, int planes) {
  ptrdiff_t total = 0;
  for (int p = 0; p < planes; ++p) {
    PlaneView& plane = planes_[p];
    plane.width = format.plane_width(p, size.width);
    plane.height = format.plane_height(p, size.height);
    plane.stride_bytes = aligned(ptrdiff_t{plane.width} * format.bytes_per_sample());
    total += plane.stride_bytes * plane.height;
  }
  memory_ = Tensor(DType::u8, {total});
  std::byte* at = memory_.data();
  for (int p = 0; p < planes; ++p) {
    planes_[p].data = at;
    at += planes_[p].stride_bytes * planes_[p].height;
  }
}

void StagedPicture::copy_from(const PlaneView* planes, int count, int bytes_per_sample) {
  for (int p = 0; p < count; ++p) {
    const PlaneView &from = planes[p], &to = planes_[p];
    const auto row_bytes = static_cast<size_t>(from.width) * static_cast<size_t>(bytes_per_sample);
    for (int y = 0; y < to.height; ++y) {
      std::byte* out = to.row<std::byte>(y);
      std::memcpy(out, from.row<std::byte>(std::min(y, from.height - 1)), row_bytes);
      for (int x = from.width; x < to.width; ++x)
        std::memcpy(out + x * bytes_per_sample, out + (x - 1) * bytes_per_sample,
                    static_cast<size_t>(bytes_per_sample));
    }
  }
}

void StagedPicture::copy_to(const PlaneView* planes, int count, int bytes_per_sample) const {
  for (int p = 0; p < count; ++p)
    for (int y = 0; y < planes[p].height; ++y)
      std::memcpy(planes[p].row<std::byte>(y), planes_[p].row<std::byte>(y),
                  static_cast<size_t>(planes[p].width) * static_cast<size_t>(bytes_per_sample));
}

}  // namespace framelift
