// A frame's samples on their way between host and GPU: packed in pinned memory, and the same again on the device.
#pragma once

#include <ATen/ATen.h>

#include "frame/frame.h"
#include "frame/read_pixel.h"

namespace framelift {

class FrameStaging {
 public:
  // Makes room for frames of this format and size, if it is not there.
  void prepare(const PixelFormat& format, int width, int height, at::Device device);

  void fill(const Frame& frame);        // the host's side from a frame's planes, alpha left out
  void empty_into(const Frame& frame);  // and back; alpha becomes opaque
  // Queued on the current stream.
  void to_device() { device_.copy_(host_, /*non_blocking=*/true); }
  void to_host() { host_.copy_(device_, /*non_blocking=*/true); }

  const SamplePicture& on_device() const { return on_device_; }
  int bytes_per_sample() const { return format_.bytes_per_sample(); }

 private:
  // Calls f(plane of the frame, its place in host_) for each plane.
  template <class F>
  void for_each_plane(const Frame& frame, const F& f);

  PixelFormat format_;
  SamplePicture on_device_;
  at::Tensor host_, device_;
};

}  // namespace framelift
