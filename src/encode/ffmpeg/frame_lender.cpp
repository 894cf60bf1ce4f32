#include "encode/ffmpeg/frame_lender.h"

#include <mutex>

#include "base/allocation_counter.h"

namespace framelift {

struct FrameLender::Loan {
  Frame frame;
  std::unique_ptr<Loan> next;   // while in the free list
  std::shared_ptr<Loans> home;  // while out
};

struct FrameLender::Loans {
  std::mutex mutex;
  std::unique_ptr<Loan> free;
};

FrameLender::FrameLender() : loans_(std::make_shared<Loans>()) {}
FrameLender::~FrameLender() = default;

void FrameLender::take_back(void* opaque, uint8_t*) {
  std::unique_ptr<Loan> loan(static_cast<Loan*>(opaque));
  std::shared_ptr<Loans> home = std::move(loan->home);  // outlives the lock below
  loan->frame = Frame{};
  std::lock_guard lock(home->mutex);
  loan->next = std::move(home->free);
  home->free = std::move(loan);
}

Status FrameLender::lend(Frame frame, AVPixelFormat format, AVFrame& av) {
  const AVPixFmtDescriptor* descriptor = av_pix_fmt_desc_get(format);
  av.format = format;
  av.width = frame.width;
  av.height = frame.height;
  for (int p = 0; p < frame.format.plane_count(); ++p) {
    const PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    const int target = descriptor->comp[p].plane;
    av.data[target] = reinterpret_cast<uint8_t*>(plane.data);
    av.linesize[target] = static_cast<int>(plane.stride_bytes);
  }

  std::unique_ptr<Loan> loan;
  {
    std::lock_guard lock(loans_->mutex);
    if (loans_->free) {
      loan = std::move(loans_->free);
      loans_->free = std::move(loan->next);
    }
  }
  if (!loan) loan = std::make_unique<Loan>();
  loan->frame = std::move(frame);
  loan->home = loans_;
  const PlaneView& first = loan->frame.planes[0];
  const size_t bytes = static_cast<size_t>(std::abs(first.stride_bytes)) * static_cast<size_t>(first.height);
  ForeignScope foreign;
  // One reference stands for all planes: FFmpeg only counts it.
  av.buf[0] =
      av_buffer_create(reinterpret_cast<uint8_t*>(first.data), bytes, take_back, loan.get(), AV_BUFFER_FLAG_READONLY);
  if (!av.buf[0]) return fail(ErrorCode::out_of_memory, "no memory to hand a frame to the encoder");
  loan.release();  // take_back() owns it now
  return {};
}

}  // namespace framelift
