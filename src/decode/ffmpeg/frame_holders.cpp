#include "decode/ffmpeg/frame_holders.h"

#include "base/allocation_counter.h"

namespace framelift {

struct HolderList {
  FrameHolders::Reuse reuse;
  std::mutex mutex;
  std::unique_ptr<FrameHolders::Holder> free;

  explicit HolderList(FrameHolders::Reuse r) : reuse(r) {}
};

FrameHolders::FrameHolders(Reuse reuse) : list_(std::make_shared<HolderList>(reuse)) {}
FrameHolders::~FrameHolders() = default;

FrameHolders::HolderPtr FrameHolders::take() {
  std::unique_ptr<Holder> holder;
  {
    std::lock_guard lock(list_->mutex);
    if (list_->free) {
      holder = std::move(list_->free);
      list_->free = std::move(holder->next_);
    }
  }
  if (!holder) {
    holder = std::make_unique<Holder>();
    holder->frame_.reset(av_frame_alloc());
  }
  holder->home_ = list_;
  return HolderPtr(holder.release());
}

void FrameHolders::Holder::release() {
  std::unique_ptr<Holder> self(this);
  std::shared_ptr<HolderList> home = std::move(home_);  // outlives the lock below
  if (home->reuse == Reuse::unreference) {
    ForeignScope foreign;
    av_frame_unref(frame_.get());
  }
  std::lock_guard lock(home->mutex);
  next_ = std::move(home->free);
  home->free = std::move(self);
}

}  // namespace framelift
