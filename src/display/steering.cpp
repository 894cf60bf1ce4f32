#include "display/steering.h"

namespace framelift {

bool Steering::possible() const {
  const std::lock_guard lock(mutex_);
  return possible_;
}

void Steering::steer(int64_t pts, bool backwards) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = {wanted_.number + 1, pts, backwards};
    waiting_ = false;
  }
  changed_.notify_all();
}

bool Steering::is_current(int64_t course) const {
  const std::lock_guard lock(mutex_);
  return course == wanted_.number;
}

bool Steering::arrived() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void Steering::release() {
  {
    const std::lock_guard lock(mutex_);
    released_ = true;
  }
  changed_.notify_all();
}

void Steering::begin(bool possible) {
  const std::lock_guard lock(mutex_);
  possible_ = possible;
  under_way_.clear();
  under_way_.reserve(usual_under_way);
}

std::optional<Steering::Course> Steering::other_than(const Course& course) const {
  const std::lock_guard lock(mutex_);
  return wanted_.number == course.number ? std::nullopt : std::optional(wanted_);
}

void Steering::send(const Course& course) {
  const std::lock_guard lock(mutex_);
  under_way_.push_back(course.number);
}

bool Steering::wait(const Course& course) {
  std::unique_lock lock(mutex_);
  waiting_ = wanted_.number == course.number;
  changed_.wait(lock, [&] { return released_ || wanted_.number != course.number; });
  waiting_ = false;
  return wanted_.number != course.number;
}

int64_t Steering::receive() {
  const std::lock_guard lock(mutex_);
  if (under_way_.empty()) return 0;
  const int64_t course = under_way_.front();
  under_way_.erase(under_way_.begin());
  return course;
}

}  // namespace framelift
