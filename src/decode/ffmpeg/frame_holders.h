// Keeps AVFrames alive for as long as framelift's Frames need them, without allocating per frame.
#pragma once

#include <memory>
#include <mutex>

#include "decode/ffmpeg/ffmpeg.h"
#include "frame/frame.h"

namespace framelift {

// A growing pool of AVFrames. A holder is taken for a frame, and comes back when the Frame that owns it is dropped, on
// any thread, possibly after the pool object is gone. Once as many holders exist as frames are in flight, take()
// allocates nothing.
class FrameHolders {
 public:
  enum class Reuse {
    unreference,  // the pictures belong to a decoder: let go of them when the holder comes back
    keep_buffer,  // the pictures are ours: keep the memory for the next frame
  };
  class Holder final : public FrameMemory {
   public:
    void release() override;
    AVFrame& frame() { return *frame_; }

   private:
    friend class FrameHolders;
    AvFramePtr frame_;
    std::unique_ptr<Holder> next_;             // while in the free list
    std::shared_ptr<struct HolderList> home_;  // while out
  };
  using HolderPtr = std::unique_ptr<Holder, ReleaseFrameMemory>;

  explicit FrameHolders(Reuse reuse);
  ~FrameHolders();
  FrameHolders(const FrameHolders&) = delete;
  FrameHolders& operator=(const FrameHolders&) = delete;

  HolderPtr take();

 private:
  std::shared_ptr<struct HolderList> list_;
};

}  // namespace framelift
