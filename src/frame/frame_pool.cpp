#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <new>

#include "frame/frame.h"

namespace framelift {
namespace {

constexpr size_t alignment = 64;

size_t row_bytes(const PixelFormat& format, int plane, int width) {
  size_t bytes = static_cast<size_t>(format.plane_width(plane, width)) * format.bytes_per_sample();
  return (bytes + alignment - 1) / alignment * alignment + alignment;
}

}  // namespace

struct FramePool::State {
  struct Block final : FrameMemory {
    State* state = nullptr;
    std::shared_ptr<State> keep_alive;  // set while the block is out
    std::byte* bytes = nullptr;

    ~Block() override { std::free(bytes); }
    void release() override {
      std::shared_ptr<State> keep = std::move(keep_alive);  // outlives the lock below
      {
        std::lock_guard lock(keep->mutex);
        keep->free.push_back(this);
      }
      keep->available.notify_one();
    }
  };

  int width, height;
  PixelFormat format;
  bool grows = false;
  size_t frame_bytes = 0, most = 0;
  std::mutex mutex;
  std::condition_variable available;
  bool cancelled = false;
  std::vector<std::unique_ptr<Block>> blocks;
  std::vector<Block*> free;  // reserved to blocks.size(), so release never allocates

  void add_block() {
    blocks.push_back(std::make_unique<Block>());
    blocks.back()->state = this;
    free.reserve(blocks.capacity());
    free.push_back(blocks.back().get());
  }
};

size_t frame_bytes(const PixelFormat& format, int width, int height) {
  size_t bytes = 0;
  for (int p = 0; p < format.plane_count(); ++p)
    bytes += row_bytes(format, p, width) * static_cast<size_t>(format.plane_height(p, height));
  return bytes;
}

FramePool::FramePool(int width, int height, PixelFormat format, size_t capacity) : state_(std::make_shared<State>()) {
  state_->width = width;
  state_->height = height;
  state_->format = format;
  state_->frame_bytes = frame_bytes(format, width, height);
  state_->grows = capacity == growing;
  state_->blocks.reserve(capacity);
  for (size_t i = 0; i < capacity; ++i) state_->add_block();
}

FramePool::~FramePool() { cancel(); }

void FramePool::cancel() {
  {
    std::lock_guard lock(state_->mutex);
    state_->cancelled = true;
  }
  state_->available.notify_all();
}

PoolUse FramePool::use() const {
  std::lock_guard lock(state_->mutex);
  return {state_->blocks.size(), state_->most, state_->frame_bytes};
}

Result<Frame> FramePool::acquire() {
  State& state = *state_;
  State::Block* block = nullptr;
  {
    std::unique_lock lock(state.mutex);
    state.available.wait(lock, [&] { return state.cancelled || state.grows || !state.free.empty(); });
    if (state.cancelled) return fail(ErrorCode::cancelled, "stopped while waiting for a free frame");
    if (state.free.empty()) state.add_block();
    block = state.free.back();
    state.free.pop_back();
    state.most = std::max(state.most, state.blocks.size() - state.free.size());
  }
  block->keep_alive = state_;
  Frame frame;
  frame.memory.reset(block);
  if (!block->bytes) {
    block->bytes = static_cast<std::byte*>(
        std::aligned_alloc(alignment, (state.frame_bytes + alignment - 1) / alignment * alignment));
    if (!block->bytes)
      return fail(ErrorCode::out_of_memory, "no memory for a {}x{} {} frame ({} bytes)", state.width, state.height,
                  to_string(state.format), state.frame_bytes);
  }
  frame.width = state.width;
  frame.height = state.height;
  frame.format = state.format;
  std::byte* next = block->bytes;
  for (int p = 0; p < state.format.plane_count(); ++p) {
    PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    plane.data = next;
    plane.stride_bytes = static_cast<ptrdiff_t>(row_bytes(state.format, p, state.width));
    plane.width = state.format.plane_width(p, state.width);
    plane.height = state.format.plane_height(p, state.height);
    next += plane.stride_bytes * plane.height;
  }
  return frame;
}

}  // namespace framelift
