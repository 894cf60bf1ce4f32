// A picture with its meaning and its place in time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/rational.h"
#include "base/result.h"
#include "color/color_info.h"
#include "frame/pixel_format.h"
#include "frame/region.h"

namespace framelift {

// Non-owning view of one plane of samples (bytes, native-endian 16-bit words for formats deeper than 8 bits, floats).
// Rows are `stride_bytes` apart; the stride may be negative (bottom-up pictures).
struct PlaneView {
  std::byte* data = nullptr;
  ptrdiff_t stride_bytes = 0;
  int width = 0;   // in samples
  int height = 0;  // in rows

  template <class Sample>
  Sample* row(int y) const {
    return reinterpret_cast<Sample*>(data + y * stride_bytes);
  }
};

struct Frame;
struct SamplePicture;
// A frame's planes (alpha left out) as read_pixel.h and write_pixel.h take them.
SamplePicture sample_picture(const Frame& frame);

// Fills a part of an alpha plane of `format` with full opacity.
void fill_opaque(const PlaneView& plane, const PixelFormat& format, const Region& region);

// Whatever keeps a Frame's memory alive: an AVFrame, a pooled block. `release` is called exactly once.
class FrameMemory {
 public:
  virtual ~FrameMemory() = default;
  virtual void release() = 0;
};
struct ReleaseFrameMemory {
  void operator()(FrameMemory* memory) const { memory->release(); }
};
using FrameMemoryPtr = std::unique_ptr<FrameMemory, ReleaseFrameMemory>;

// Move-only. Planes follow PixelFormat's order. A frame coming from decode/ is read-only: write only to frames from a
// FramePool.
struct Frame {
  int width = 0;
  int height = 0;
  PixelFormat format;
  ColorInfo color;
  Rational sample_aspect_ratio{1, 1};
  // Presentation time and duration in the stream's time base (VideoInfo::time_base); pts is absent when the container
  // gives none, duration is 0 when unknown.
  std::optional<int64_t> pts;
  int64_t duration = 0;
  std::array<PlaneView, 4> planes{};
  FrameMemoryPtr memory;

  bool empty() const { return width == 0; }
};

// A part of a frame, borrowed: its planes are the frame's. Where chroma is subsampled the region begins with a chroma
// sample.
Frame part_of(const Frame& frame, const Region& region);

// What one frame of a FramePool takes, rows padded for alignment.
size_t frame_bytes(const PixelFormat& format, int width, int height);

// What of a pool has been in use at its busiest.
struct PoolUse {
  size_t capacity = 0;     // pieces; what is in use, where it grows
  size_t most = 0;         // pieces in use at the same time
  size_t piece_bytes = 0;  // of one
};

// Reuses picture memory: acquire() waits until one of `capacity` blocks is free, and allocates only the first time a
// block is used. Frames may outlive the pool object: the blocks are freed when the last one comes back. Thread-safe.
class FramePool {
 public:
  // A capacity for frames that are kept as long as wanted: acquire() never waits, but makes a block if none is free.
  static constexpr size_t growing = 0;

  // Rows are aligned to 64 bytes and padded by at least 64 bytes. width and height are at least 1.
  FramePool(int width, int height, PixelFormat format, size_t capacity);
  ~FramePool();

  // Frame with planes, width, height and format set; everything else default. Empty frame after cancel().
  Result<Frame> acquire();
  // Wakes waiters for good: from now on acquire() fails with `cancelled`.
  void cancel();
  // Until now.
  PoolUse use() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace framelift
