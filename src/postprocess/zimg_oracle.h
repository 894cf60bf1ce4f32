// zimg as an independent opinion on colour conversion, for tests: slow, float, and only what they need.
#pragma once

#include <zimg.h>

#include <array>
#include <stdexcept>
#include <vector>

#include "color/matrix.h"
#include "postprocess/zimg_graph.h"
#include "preprocess/pixel_test_support.h"

namespace framelift {

// Three float planes with 64-byte aligned rows.
struct FloatPicture {
  FloatPicture(int w, int h) : FloatPicture(w, h, PixelFormat{ColorFamily::rgb, 8, 0, 0, false}) {}
  FloatPicture(int w, int h, const PixelFormat& format) {
    for (int p = 0; p < 3; ++p) {
      width[p] = format.plane_width(p, w);
      height[p] = format.plane_height(p, h);
      stride[p] = (width[p] + 15) / 16 * 16;
      planes[p] = Tensor::filled({int64_t{stride[p]} * height[p]}, 0);
    }
  }
  float& at(int p, int x, int y) { return planes[static_cast<size_t>(p)].as<float>()[y * stride[p] + x]; }

  std::array<Tensor, 3> planes;
  int width[3], height[3], stride[3];
};

// Runs zimg without resizing, chroma by bilinear interpolation.
inline void run_zimg(zimg_image_format from_format, zimg_image_format to_format, const zimg_image_buffer_const& from,
                     const zimg_image_buffer& to) {
  from_format.transfer_characteristics = to_format.transfer_characteristics = ZIMG_TRANSFER_UNSPECIFIED;
  from_format.color_primaries = to_format.color_primaries = ZIMG_PRIMARIES_UNSPECIFIED;
  zimg_graph_builder_params params;
  zimg_graph_builder_params_default(&params, ZIMG_API_VERSION);
  params.resample_filter = params.resample_filter_uv = ZIMG_RESIZE_BILINEAR;
  params.cpu_type = ZIMG_CPU_AUTO;
  const std::unique_ptr<zimg_filter_graph, FreeZimgGraph> graph(
      zimg_filter_graph_build(&from_format, &to_format, &params));
  size_t bytes = 0;
  char message[256] = "";
  if (!graph || zimg_filter_graph_get_tmp_size(graph.get(), &bytes) != ZIMG_ERROR_SUCCESS) {
    zimg_get_last_error(message, sizeof(message));
    throw std::runtime_error(message);
  }
  Tensor temporary(DType::u8, {static_cast<int64_t>(bytes) + 1});
  zimg_filter_graph_process(graph.get(), &from, &to, temporary.data(), nullptr, nullptr, nullptr, nullptr);
}

inline zimg_image_format zimg_float_rgb(int width, int height) {
  ColorInfo color;
  color.range = ColorRange::full;
  zimg_image_format f = zimg_format({ColorFamily::rgb, 16, 0, 0, false}, color, {width, height});
  f.pixel_type = ZIMG_PIXEL_FLOAT;
  f.depth = 32;
  return f;
}

template <class Buffer>
Buffer zimg_buffer(FloatPicture& picture) {
  Buffer buffer{};
  buffer.version = ZIMG_API_VERSION;
  for (int p = 0; p < 3; ++p)
    buffer.plane[p] = {picture.planes[static_cast<size_t>(p)].data(), picture.stride[p] * ptrdiff_t{sizeof(float)},
                       ZIMG_BUFFER_MAX};
  return buffer;
}

// Codes to float R, G, B. Subsampled pictures go in as float YUV, so that zimg does not round chroma to codes after
// interpolating it; others as the codes they are.
inline FloatPicture zimg_to_rgb(const Frame& frame, const ColorInfo& color) {
  const ZimgSize size{frame.width, frame.height};
  zimg_image_format from_format = zimg_format(frame.format, color, size);
  FloatPicture rgb(frame.width, frame.height);
  if (frame.format.chroma_shift_x || frame.format.chroma_shift_y) {
    from_format.pixel_type = ZIMG_PIXEL_FLOAT;
    from_format.depth = 32;
    FloatPicture yuv(frame.width, frame.height, frame.format);
    const Quantization q = quantization(color.matrix, color.range, frame.format.bits);
    for (int p = 0; p < 3; ++p)
      for (int y = 0; y < yuv.height[p]; ++y)
        for (int x = 0; x < yuv.width[p]; ++x)
          yuv.at(p, x, y) = static_cast<float>((code_at(frame, p, x, y) - (p ? q.chroma_offset : q.luma_offset)) /
                                               (p ? q.chroma_span : q.luma_span));
    run_zimg(from_format, zimg_float_rgb(frame.width, frame.height), zimg_buffer<zimg_image_buffer_const>(yuv),
             zimg_buffer<zimg_image_buffer>(rgb));
    return rgb;
  }
  StagedPicture staged(frame.format, size, frame.format.plane_count());
  staged.copy_from(frame.planes.data(), frame.format.plane_count(), frame.format.bytes_per_sample());
  zimg_image_buffer_const from{};
  from.version = ZIMG_API_VERSION;
  for (int p = 0; p < frame.format.plane_count() - frame.format.alpha; ++p)
    from.plane[p] = {staged.planes()[p].data, staged.planes()[p].stride_bytes, ZIMG_BUFFER_MAX};
  run_zimg(from_format, zimg_float_rgb(frame.width, frame.height), from, zimg_buffer<zimg_image_buffer>(rgb));
  return rgb;
}

// Float R, G, B to codes, without subsampling.
inline Frame zimg_from_rgb(FloatPicture& rgb, const PixelFormat& format, const ColorInfo& color) {
  const ZimgSize size{rgb.width[0], rgb.height[0]};
  StagedPicture staged(format, size, 3);
  zimg_image_buffer to{};
  to.version = ZIMG_API_VERSION;
  for (int p = 0; p < (format.family == ColorFamily::gray ? 1 : 3); ++p)
    to.plane[p] = {staged.planes()[p].data, staged.planes()[p].stride_bytes, ZIMG_BUFFER_MAX};
  run_zimg(zimg_float_rgb(size.width, size.height), zimg_format(format, color, size),
           zimg_buffer<zimg_image_buffer_const>(rgb), to);
  Frame frame = make_frame(format, size.width, size.height);
  staged.copy_to(frame.planes.data(), format.plane_count() - format.alpha, format.bytes_per_sample());
  return frame;
}

}  // namespace framelift
