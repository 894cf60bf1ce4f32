// Runs jobs in order: computes the points of the table that the job's picture needs, all of them if the last job had
// other inputs beside its picture, then colours the picture with them.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "backend/backend.h"
#include "backend/lut/color_table.h"
#include "backend/lut/point_function.h"
#include "backend/lut/work_team.h"

namespace framelift {

class TableEngine {
 public:
  // A picture, the network's other inputs, and room for the result, which all live until wait() has returned.
  struct Job {
    TensorView picture, result;
    std::span<const TensorView> others;

   private:
    friend class TableEngine;
    Job* next = nullptr;
    bool pending = false;
    Status status;
  };

  TableEngine(std::unique_ptr<PointFunction> network, const ColorGrid& grid, int threads);
  ~TableEngine();  // no job is pending
  TableEngine(const TableEngine&) = delete;
  TableEngine& operator=(const TableEngine&) = delete;

  // Thread-safe.
  void start(Job& job);
  // Returns at once if the job is not pending.
  Status wait(Job& job);

 private:
  void serve();
  Status run(const Job& job);
  Status compute_wanted();

  const std::unique_ptr<PointFunction> network_;
  ColorTable table_;
  WorkTeam team_;

  std::mutex mutex_;
  std::condition_variable submitted_, finished_;
  Job *first_ = nullptr, *last_ = nullptr;  // queue, linked through the jobs: it never allocates
  bool stopping_ = false;
  std::thread server_;  // last: it uses all of the above
};

}  // namespace framelift
