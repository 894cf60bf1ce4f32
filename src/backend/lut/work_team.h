// A fixed set of threads that share loops.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace framelift {

class WorkTeam {
 public:
  // The caller of for_chunks is one of the `threads`.
  explicit WorkTeam(int threads);
  ~WorkTeam();
  WorkTeam(const WorkTeam&) = delete;
  WorkTeam& operator=(const WorkTeam&) = delete;

  size_t threads() const { return helpers_.size() + 1; }

  // body(begin, end) for pieces of at most `chunk` that make up [0, n), on any of the threads; returns when all is
  // done. From one thread at a time. Allocates nothing.
  template <class Body>
  void for_chunks(size_t n, size_t chunk, const Body& body) {
    run({n, chunk, [](const void* b, size_t begin, size_t end) { (*static_cast<const Body*>(b))(begin, end); }, &body});
  }

 private:
  struct Loop {
    size_t n = 0, chunk = 1;
    void (*call)(const void* body, size_t begin, size_t end) = nullptr;
    const void* body = nullptr;
  };
  void run(const Loop& loop);
  void take_chunks(const Loop& loop);
  void help();

  std::mutex mutex_;
  std::condition_variable work_to_do_, helpers_done_;
  Loop loop_;          // the rest is valid while open_
  bool open_ = false;  // helpers may join
  bool stopping_ = false;
  uint64_t generation_ = 0;
  int helping_ = 0;
  std::atomic<size_t> next_{0};
  std::vector<std::thread> helpers_;
};

}  // namespace framelift
