// The joint between two pipeline stages: first in, first out, a fixed capacity that gives back-pressure, and closing.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace framelift {

// Thread-safe. Storage is allocated once, in the constructor. T is movable and default-constructible.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : ring_(capacity ? capacity : 1) {}

  // Waits for room. False (and `item` is dropped) once the queue is closed.
  bool push(T item) {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [&] { return closed_ || size_ < ring_.size(); });
    if (closed_) return false;
    ring_[(head_ + size_) % ring_.size()] = std::move(item);
    ++size_;
    lock.unlock();
    not_empty_.notify_one();
    return true;
  }

  // Waits for an item. Empty once the queue is closed and drained.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [&] { return closed_ || size_ > 0; });
    return take(lock);
  }

  // The same without waiting: empty also when there is no item yet.
  std::optional<T> try_pop() {
    std::unique_lock lock(mutex_);
    return take(lock);
  }

  // Closed and drained: pop() gives nothing any more.
  bool finished() const {
    std::lock_guard lock(mutex_);
    return closed_ && size_ == 0;
  }

  // No more pushes; what is inside can still be popped. Wakes everyone.
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    not_empty_.notify_all();
    not_full_.notify_all();
  }

  size_t size() const {
    std::lock_guard lock(mutex_);
    return size_;
  }
  size_t capacity() const { return ring_.size(); }

 private:
  std::optional<T> take(std::unique_lock<std::mutex>& lock) {
    if (size_ == 0) return std::nullopt;
    T item = std::move(ring_[head_]);
    ring_[head_] = T{};
    head_ = (head_ + 1) % ring_.size();
    --size_;
    lock.unlock();
    not_full_.notify_one();
    return item;
  }

  mutable std::mutex mutex_;
  std::condition_variable not_full_, not_empty_;
  std::vector<T> ring_;
  size_t head_ = 0, size_ = 0;
  bool closed_ = false;
};

}  // namespace framelift
