// Hands framelift's picture memory to FFmpeg without copying it.
#pragma once

#include <memory>

#include "decode/ffmpeg/ffmpeg.h"
#include "frame/frame.h"

namespace framelift {

// Holds every lent Frame until FFmpeg has dropped the last reference to it, on any thread. Its bookkeeping is pooled:
// once as many Frames as the encoder keeps have been lent, lend() allocates nothing of ours.
class FrameLender {
 public:
  FrameLender();
  ~FrameLender();
  FrameLender(const FrameLender&) = delete;
  FrameLender& operator=(const FrameLender&) = delete;

  // Points the blank `av` at the planes of `frame`, whose layout is `format`'s. Sets no properties but size and format.
  Status lend(Frame frame, AVPixelFormat format, AVFrame& av);

 private:
  struct Loan;
  struct Loans;
  static void take_back(void* opaque, uint8_t* data);
  std::shared_ptr<Loans> loans_;
};

}  // namespace framelift
