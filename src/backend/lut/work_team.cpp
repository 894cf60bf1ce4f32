#include "backend/lut/work_team.h"

#include <pthread.h>

#include <algorithm>

namespace framelift {

WorkTeam::WorkTeam(int threads) {
  for (int i = 1; i < threads; ++i) helpers_.emplace_back([this] { help(); });
}

WorkTeam::~WorkTeam() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_to_do_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void WorkTeam::take_chunks(const Loop& loop) {
  for (;;) {
    const size_t begin = next_.fetch_add(loop.chunk, std::memory_order_relaxed);
    if (begin >= loop.n) return;
    loop.call(loop.body, begin, std::min(begin + loop.chunk, loop.n));
  }
}

void WorkTeam::run(const Loop& loop) {
  {
    std::lock_guard lock(mutex_);
    loop_ = loop;
    next_.store(0, std::memory_order_relaxed);
    open_ = true;
    ++generation_;
  }
  work_to_do_.notify_all();
  take_chunks(loop);
  // Helpers that have not woken up by now (other stages have the cores) are not waited for.
  std::unique_lock lock(mutex_);
  open_ = false;
  helpers_done_.wait(lock, [&] { return helping_ == 0; });
}

void WorkTeam::help() {
  pthread_setname_np(pthread_self(), "lut");
  uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    work_to_do_.wait(lock, [&] { return stopping_ || (open_ && generation_ != seen); });
    if (stopping_) return;
    seen = generation_;
    ++helping_;
    const Loop loop = loop_;
    lock.unlock();
    take_chunks(loop);
    lock.lock();
    if (--helping_ == 0) helpers_done_.notify_one();
  }
}

}  // namespace framelift
