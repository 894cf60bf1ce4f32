#include "display/frame_pacer.h"

#include <gtest/gtest.h>

#include <vector>

namespace framelift {
namespace {

using Action = FramePacer::Action;
constexpr double frame = 0.04;  // 25 frames a second
constexpr double start = 1000;  // the clock's reading at the first frame

TEST(FramePacer, ShowsEachFrameAtItsTime) {
  FramePacer pacer;
  EXPECT_EQ(pacer.decide(7, frame, true, start).action, Action::show);  // whatever the first frame's time is
  for (int i = 1; i < 100; ++i) {
    const double due = start + i * frame;
    const auto early = pacer.decide(7 + i * frame, frame, true, due - 0.01);
    EXPECT_EQ(early.action, Action::wait);
    EXPECT_NEAR(early.wait_seconds, 0.01, 1e-9);
    EXPECT_EQ(pacer.decide(7 + i * frame, frame, true, due + 0.001).action, Action::show);
  }
  EXPECT_EQ(pacer.shown(), 100);
  EXPECT_EQ(pacer.late() + pacer.dropped(), 0);
  EXPECT_NEAR(pacer.seconds_left(start + 99 * frame), frame, 1e-9);
  EXPECT_EQ(pacer.seconds_left(start + 101 * frame), 0);
}

TEST(FramePacer, VariableFrameRate) {
  FramePacer pacer;
  double last = 0;
  pacer.decide(0, 1, true, start);
  for (double time : {1.0, 1.01, 1.5, 10.0}) {
    EXPECT_EQ(pacer.decide(time, 0.01, true, start + last).action, Action::wait);
    EXPECT_EQ(pacer.decide(time, 0.01, true, start + time).action, Action::show);
    last = time;
  }
}

TEST(FramePacer, DropsLateFramesOnlyForNewerOnes) {
  FramePacer pacer;
  pacer.decide(0, frame, true, start);
  const double now = start + 5.5 * frame;  // a slow screen: four frames have missed their time
  for (int i = 1; i <= 4; ++i) EXPECT_EQ(pacer.decide(i * frame, frame, true, now).action, Action::drop) << i;
  EXPECT_EQ(pacer.decide(5 * frame, frame, true, now).action, Action::show);  // by half a frame: that is on time
  EXPECT_EQ(pacer.decide(6 * frame, frame, true, now).action, Action::wait);
  EXPECT_EQ(pacer.dropped(), 4);
  EXPECT_EQ(pacer.shown(), 2);
  EXPECT_EQ(pacer.late(), 0);
}

// Results that come more slowly than the video goes are all shown, each as it comes.
TEST(FramePacer, SlowNetworkIsShownInSlowMotion) {
  FramePacer pacer;
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(pacer.decide(i * frame, frame, false, start + i * 5 * frame).action, Action::show);
  EXPECT_EQ(pacer.shown(), 50);
  EXPECT_EQ(pacer.late(), 49);
  EXPECT_EQ(pacer.dropped(), 0);
}

// Two results at once from an engine with two streams: the second keeps its distance instead of making the first late.
TEST(FramePacer, AfterADelayTimeGoesOnFromThere) {
  FramePacer pacer;
  pacer.decide(0, frame, false, start);
  const double now = start + 2;
  EXPECT_EQ(pacer.decide(frame, frame, false, now).action, Action::show);
  const auto next = pacer.decide(2 * frame, frame, true, now + 0.001);
  EXPECT_EQ(next.action, Action::wait);
  EXPECT_NEAR(next.wait_seconds, frame - 0.001, 1e-9);
}

TEST(FramePacer, PauseStopsTheClock) {
  FramePacer pacer;
  pacer.decide(0, frame, true, start);
  pacer.pause(start + 0.01);
  pacer.pause(start + 3);  // again: still paused since the first
  EXPECT_TRUE(pacer.paused());
  EXPECT_EQ(pacer.decide(frame, frame, true, start + 50).action, Action::wait);
  EXPECT_NEAR(pacer.seconds_left(start + 50), frame - 0.01, 1e-9);
  pacer.resume(start + 60);
  EXPECT_NEAR(pacer.decide(frame, frame, true, start + 60).wait_seconds, frame - 0.01, 1e-9);
  EXPECT_EQ(pacer.decide(frame, frame, true, start + 60 + frame).action, Action::show);
  EXPECT_EQ(pacer.dropped() + pacer.late(), 0);
}

TEST(FramePacer, StepsWhilePaused) {
  FramePacer pacer;
  pacer.decide(0, frame, true, start);
  pacer.pause(start);
  for (int i = 1; i <= 3; ++i) pacer.show_now(i * frame, frame, start + 10 * i);
  EXPECT_EQ(pacer.shown(), 4);
  EXPECT_TRUE(pacer.paused());
  pacer.resume(start + 100);
  EXPECT_NEAR(pacer.decide(4 * frame, frame, true, start + 100).wait_seconds, frame, 1e-9);
}

TEST(FramePacer, PausedBeforeTheFirstFrame) {
  FramePacer pacer;
  pacer.pause(start);
  EXPECT_EQ(pacer.decide(0, frame, true, start + 1).action, Action::wait);
  pacer.resume(start + 2);
  EXPECT_EQ(pacer.decide(0, frame, true, start + 3).action, Action::show);
  EXPECT_NEAR(pacer.seconds_left(start + 3), frame, 1e-9);
}

TEST(FramePacer, TimesThatGoBackStartTheClockAnew) {
  FramePacer pacer;
  pacer.decide(100, frame, true, start);
  EXPECT_EQ(pacer.decide(5, frame, true, start + frame).action, Action::show);
  EXPECT_EQ(pacer.decide(5 + frame, frame, true, start + frame).action, Action::wait);
  EXPECT_EQ(pacer.dropped() + pacer.late(), 0);
}

}  // namespace
}  // namespace framelift
