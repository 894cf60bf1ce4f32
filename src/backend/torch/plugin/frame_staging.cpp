#include "backend/torch/plugin/frame_staging.h"

#include <cstring>

namespace framelift {
namespace {

constexpr ptrdiff_t row_alignment = 64;

int planes_of(const PixelFormat& format) { return format.family == ColorFamily::gray ? 1 : 3; }

}  // namespace

void FrameStaging::prepare(const PixelFormat& format, int width, int height, at::Device device) {
  if (host_.defined() && format_ == format && on_device_.width == width && on_device_.height == height) return;
  format_ = format;
  on_device_ = {};
  on_device_.width = width;
  on_device_.height = height;
  on_device_.chroma_width = format.plane_width(1, width);
  on_device_.chroma_height = format.plane_height(1, height);
  ptrdiff_t bytes = 0, offsets[3] = {};
  for (int p = 0; p < planes_of(format); ++p) {
    const ptrdiff_t row = ptrdiff_t{format.plane_width(p, width)} * format.bytes_per_sample();
    on_device_.stride_bytes[p] = (row + row_alignment - 1) / row_alignment * row_alignment;
    offsets[p] = bytes;
    bytes += on_device_.stride_bytes[p] * format.plane_height(p, height);
  }
  host_ = at::empty({bytes}, at::TensorOptions().dtype(at::kByte).pinned_memory(!device.is_cpu()));
  device_ = at::empty({bytes}, at::TensorOptions().dtype(at::kByte).device(device));
  for (int p = 0; p < planes_of(format); ++p)
    on_device_.data[p] = static_cast<std::byte*>(device_.data_ptr()) + offsets[p];
}

template <class F>
void FrameStaging::for_each_plane(const Frame& frame, const F& f) {
  auto* const base = static_cast<std::byte*>(host_.data_ptr());
  for (int p = 0; p < planes_of(format_); ++p) {
    const PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    const ptrdiff_t offset = on_device_.data[p] - on_device_.data[0];
    f(plane, PlaneView{base + offset, on_device_.stride_bytes[p], plane.width, plane.height});
  }
}

void FrameStaging::fill(const Frame& frame) {
  for_each_plane(frame, [&](const PlaneView& from, const PlaneView& to) {
    const auto bytes = static_cast<size_t>(from.width) * static_cast<size_t>(bytes_per_sample());
    for (int y = 0; y < from.height; ++y) std::memcpy(to.row<std::byte>(y), from.row<std::byte>(y), bytes);
  });
}

void FrameStaging::empty_into(const Frame& frame) {
  for_each_plane(frame, [&](const PlaneView& to, const PlaneView& from) {
    const auto bytes = static_cast<size_t>(to.width) * static_cast<size_t>(bytes_per_sample());
    for (int y = 0; y < to.height; ++y) std::memcpy(to.row<std::byte>(y), from.row<std::byte>(y), bytes);
  });
  if (frame.format.alpha)
    fill_opaque(frame.planes[static_cast<size_t>(planes_of(format_))], frame.format, {0, 0, frame.width, frame.height});
}

}  // namespace framelift
