// FFmpeg's pixel formats against framelift's planar ones, and the exact splitting and packing of those that are not
// planar (rgb24, nv12, p010, yuyv422, ya8, big-endian, ...). No sample value changes on the way, except that formats
// with fewer than 8 bits are widened to 8.
#pragma once

#include <optional>

#include "decode/ffmpeg/ffmpeg.h"
#include "frame/pixel_format.h"

namespace framelift {

// How frames of an FFmpeg format reach framelift.
struct PixelLayout {
  PixelFormat format;   // the planar format that holds the same picture
  bool native = false;  // FFmpeg's planes already are that format: no copy
  // Chroma is subsampled by 4 (4:1:1, 4:1:0), so that it has to be resampled to 4:4:4 (by libswscale).
  bool resample_chroma = false;
};

// Empty for what has no planar counterpart (hardware surfaces, Bayer, floats that are not 32-bit planes). pal8 is taken
// as opaque unless `palette_alpha`.
std::optional<PixelLayout> pixel_layout(AVPixelFormat format, bool palette_alpha = false);

// FFmpeg's planar format for one of ours; AV_PIX_FMT_NONE when it has none (gray with alpha).
AVPixelFormat av_pixel_format(const PixelFormat& format);

// Whether any palette entry of a pal8 frame is not opaque.
bool palette_has_alpha(const AVFrame& frame);

// Points `frame.planes` at the samples of `av`, whose layout is native. R, G, B order is ours.
void view_planes(const AVFrame& av, Frame& frame);

// Copies the samples of `av` into the planes of `frame`, which has the same size and the layout's format.
void split_planes(const AVFrame& av, const Frame& frame);
// Whether pack_planes() can write a format.
bool can_pack(AVPixelFormat format);
// The reverse: writes the planes of `frame` into the writable `av`, whose format has frame.format as its layout's.
void pack_planes(const Frame& frame, AVFrame& av);

}  // namespace framelift
