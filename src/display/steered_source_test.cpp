#include "display/steered_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "frame/frame.h"

namespace framelift {
namespace {

// Frames of 2x2 at the given times, in milliseconds.
class Clip final : public Source {
 public:
  explicit Clip(std::vector<int64_t> times, bool seekable = true) : times_(std::move(times)), seekable_(seekable) {
    info_.width = info_.height = 2;
    info_.format = {ColorFamily::gray, 8, 0, 0, false};
    info_.time_base = {1, 1000};
    info_.frame_rate = {25, 1};
  }
  const VideoInfo& info() const override { return info_; }
  SourceCounters counters() const override { return {}; }
  bool can_seek() const override { return seekable_; }
  Status seek(int64_t pts) override {
    next_ = static_cast<size_t>(std::ranges::lower_bound(times_, pts) - times_.begin());
    return {};
  }
  Result<Frame> next() override {
    if (next_ == times_.size()) return Frame{};
    FL_TRY(Frame frame, pool_.acquire());
    frame.pts = times_[next_++];
    return frame;
  }

 private:
  std::vector<int64_t> times_;
  bool seekable_;
  VideoInfo info_;
  FramePool pool_{2, 2, {ColorFamily::gray, 8, 0, 0, false}, 1000};
  size_t next_ = 0;
};

std::vector<int64_t> even_times(int64_t frames) {
  std::vector<int64_t> times;
  for (int64_t i = 0; i < frames; ++i) times.push_back(i * 40);
  return times;
}

// The next `count` frames.
std::vector<int64_t> take(Source& source, int count) {
  std::vector<int64_t> times;
  for (int i = 0; i < count; ++i) times.push_back(source.next().value().pts.value());
  return times;
}

TEST(SteeredSource, GoesWhereItIsSent) {
  Steering steering;
  SteeredSource source(std::make_unique<Clip>(even_times(300)), steering);
  EXPECT_TRUE(steering.possible());
  EXPECT_EQ(take(source, 3), (std::vector<int64_t>{0, 40, 80}));
  steering.steer(5001, false);
  EXPECT_EQ(take(source, 3), (std::vector<int64_t>{5040, 5080, 5120}));
  steering.steer(5080, true);  // more frames than one piece holds
  std::vector<int64_t> expected = even_times(127);
  std::ranges::reverse(expected);
  EXPECT_EQ(take(source, 127), expected);
  steering.steer(0, false);
  EXPECT_EQ(take(source, 300), even_times(300));
}

TEST(SteeredSource, BackwardsOverALongGapAndACrowd) {
  std::vector<int64_t> times{0, 40, 80};
  for (int64_t i = 0; i < 500; ++i) times.push_back(100'000 + i);
  Steering steering;
  SteeredSource source(std::make_unique<Clip>(times), steering);
  take(source, 1);
  steering.steer(1'000'000, true);
  std::ranges::reverse(times);
  EXPECT_EQ(take(source, 503), times);
}

TEST(SteeredSource, WaitsAtBothEndsUntilItIsSteeredOrReleased) {
  Steering steering;
  SteeredSource source(std::make_unique<Clip>(even_times(5)), steering);
  const auto arrive = [&] {
    while (!steering.arrived()) std::this_thread::yield();
  };
  take(source, 5);
  std::jthread window([&] {
    arrive();
    steering.steer(80, true);
    arrive();
    steering.steer(160, false);
    arrive();
    steering.release();
  });
  EXPECT_EQ(take(source, 3), (std::vector<int64_t>{40, 0, 160}));
  EXPECT_TRUE(source.next().value().empty());
}

TEST(SteeredSource, FramesKnowWhichCourseTheyBelongTo) {
  Steering steering;
  SteeredSource source(std::make_unique<Clip>(even_times(9)), steering);
  take(source, 2);
  steering.steer(200, false);
  take(source, 1);
  for (const bool current : {false, false, true}) EXPECT_EQ(steering.is_current(steering.receive()), current);
}

TEST(SteeredSource, WhatCannotSeekIsLeftAlone) {
  Steering steering;
  SteeredSource source(std::make_unique<Clip>(even_times(3), false), steering);
  EXPECT_FALSE(steering.possible());
  take(source, 3);
  EXPECT_TRUE(source.next().value().empty());
}

}  // namespace
}  // namespace framelift
