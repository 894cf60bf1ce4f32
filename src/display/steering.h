// Where the frames of a job that is being watched go on, and in which direction.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace framelift {

// Joins three threads: the window steers, the job's source follows (SteeredSource), and the job's sink learns which of
// its frames were asked for before the window changed its mind: between the two, a job keeps frames in order and
// neither drops nor adds any. All functions are thread-safe.
class Steering {
 public:
  struct Course {
    int64_t number = 0;  // 0: from the beginning to the end
    int64_t pts = 0;     // forwards: first the frame at `pts` or after it; backwards: first the last one before `pts`
    bool backwards = false;
  };

  // The window's side.
  bool possible() const;  // the source can go anywhere
  void steer(int64_t pts, bool backwards);
  bool is_current(int64_t course) const;
  // The source has given all frames of the current course and waits for another.
  bool arrived() const;
  // No other will come: the source may end.
  void release();

  // The source's side.
  void begin(bool possible);
  // The window's latest wish, if it is another than `course`.
  std::optional<Course> other_than(const Course& course) const;
  void send(const Course& course);  // a frame of it goes into the job
  // Waits for another course than this one. False: released.
  bool wait(const Course& course);

  // The sink's side: the course of the next frame, in the order of send(); 0 where no source is steered.
  int64_t receive();

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Course wanted_;
  bool possible_ = false, waiting_ = false, released_ = false;
  static constexpr size_t usual_under_way = 1024;  // more than a job has frames in hand, so that none allocates
  std::vector<int64_t> under_way_;
};

}  // namespace framelift
