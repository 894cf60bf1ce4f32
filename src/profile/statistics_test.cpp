#include "profile/statistics.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace framelift {
namespace {

TEST(DurationHistogram, QuantilesAreWithinABin) {
  DurationHistogram h;
  for (int i = 1; i <= 1000; ++i) h.add(i * 1e-3);
  EXPECT_EQ(h.count(), 1000);
  EXPECT_NEAR(h.mean(), 0.5005, 1e-9);
  EXPECT_NEAR(h.quantile(0.5), 0.5, 0.5 * 0.05);  // bins are 5% wide
  EXPECT_NEAR(h.quantile(0.99), 0.99, 0.99 * 0.05);
  EXPECT_LE(h.quantile(1.0), 1.0);
}

TEST(DurationHistogram, TakesAnyValue) {
  DurationHistogram h;
  EXPECT_EQ(h.quantile(0.99), 0);
  for (double v : {0.0, 1e-12, 1e9}) h.add(v);
  EXPECT_EQ(h.count(), 3);
}

TEST(InFlightMeter, CountsOverlappingRunsOnce) {
  InFlightMeter meter;
  const auto begin = Clock::now();
  meter.begin();
  meter.begin();
  meter.end(begin);
  EXPECT_GT(meter.busy_seconds(), 0);  // one still runs
  meter.end(begin);
  const double busy = meter.busy_seconds();
  EXPECT_LE(busy, seconds_between(begin, Clock::now()));
  EXPECT_EQ(meter.busy_seconds(), busy);  // nothing runs any more
  EXPECT_EQ(meter.latencies().count(), 2);
}

// Feeds times in frame periods at 25 fps.
DeadlineMeter judged(const std::vector<double>& periods, double clock_offset = 0) {
  DeadlineMeter meter(25);
  for (const double t : periods) meter.add(clock_offset + t / 25);
  return meter;
}

TEST(DeadlineMeter, FramesOnTimeAreNotLate) {
  std::vector<double> times;
  for (int k = 0; k < 1000; ++k) times.push_back(k + (k % 2 ? 0.99 : 0));  // jitter within the period
  EXPECT_EQ(judged(times).late_frames(), 0);
  EXPECT_EQ(judged(times).estimated_drops(), 0);
  times[500] = 501;  // exactly one period after it is due
  EXPECT_EQ(judged(times).late_frames(), 0);
  times[500] = 501.01;
  EXPECT_EQ(judged(times).late_frames(), 1);
  EXPECT_EQ(judged(times).estimated_drops(), 0);  // the player had come to it in time
}

TEST(DeadlineMeter, HalfTheRateDropsEveryOtherFrame) {
  std::vector<double> times;
  for (int k = 0; k < 1000; ++k) times.push_back(2 * k);
  EXPECT_EQ(judged(times).late_frames(), 998);      // 2k > k + 1 from k = 2 on
  EXPECT_EQ(judged(times).estimated_drops(), 498);  // 4, 6, ... 998
  EXPECT_EQ(judged(times, 1e4).estimated_drops(), 498);
}

TEST(DeadlineMeter, TwoThirdsOfTheRateDropsAThird) {
  std::vector<double> times;
  for (int k = 0; k < 3000; ++k) times.push_back(1.5 * k);
  EXPECT_NEAR(static_cast<double>(judged(times).estimated_drops()), 1000, 5);  // the first frames have time to spare
}

TEST(DeadlineMeter, OneStall) {
  std::vector<double> times;
  // Frame 10 comes 10 periods too late, the next ones twice as fast as they are due until they have caught up.
  for (int k = 0; k < 100; ++k) times.push_back(k < 10 || k >= 30 ? k : 20 + 0.5 * (k - 10));
  EXPECT_EQ(judged(times).late_frames(), 18);     // 10 to 27
  EXPECT_EQ(judged(times).estimated_drops(), 8);  // 11 to 18, whose periods end before 20
}

TEST(DeadlineMeter, WithoutARateNothingIsJudged) {
  DeadlineMeter meter(0);
  for (int k = 0; k < 10; ++k) meter.add(100.0 * k);
  EXPECT_EQ(meter.late_frames(), 0);
  EXPECT_EQ(meter.estimated_drops(), 0);
}

TEST(IntervalMeter, ReportsWhatHappenedSinceTheLastTime) {
  DeadlineMeter deadlines(10);
  IntervalMeter meter;
  double now = 0;
  const auto frames = [&](int count, double each) {
    for (int i = 0; i < count; ++i) {
      meter.add_frame(each);
      deadlines.add(now += each);
    }
  };
  frames(10, 0.1);
  const IntervalReport first = meter.take(10, {0.1, 0.2, 0.9, 0.3, 0.4}, deadlines);
  EXPECT_NEAR(first.fps, 10, 1e-9);
  EXPECT_NEAR(first.low_1_percent_fps, 10, 10 * 0.05);  // bins are 5% wide
  EXPECT_EQ(first.late_frames, 0);
  EXPECT_NEAR(first.stage_seconds[stage_network], 0.09, 1e-12);
  EXPECT_STREQ(first.limiting_stage, "network");

  EXPECT_EQ(meter.frames(), 0);
  frames(20, 0.2);
  const IntervalReport second = meter.take(30, {4.1, 0.2, 1.9, 0.3, 0.4}, deadlines);
  EXPECT_EQ(second.frames, 30);
  EXPECT_NEAR(second.fps, 5, 1e-9);
  EXPECT_GT(second.late_frames, 0);
  EXPECT_GT(second.estimated_drops, 0);
  EXPECT_EQ(second.late_frames, deadlines.late_frames());
  EXPECT_NEAR(second.stage_seconds[stage_decode], 0.2, 1e-12);
  EXPECT_NEAR(second.stage_seconds[stage_network], 0.05, 1e-12);
  EXPECT_STREQ(second.limiting_stage, "decode");
}

TEST(JobReport, IsJson) {
  JobReport report;
  report.stages.push_back({"network", 1, 2, 0.5, 0});
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json["stages"][0]["name"], "network");
  EXPECT_TRUE(json["allocations_per_frame"].is_null());
}

TEST(Process, KnowsItsMemory) {
  EXPECT_GT(resident_bytes(), 1 << 20);
  EXPECT_GE(peak_resident_bytes(), resident_bytes() / 2);
}

}  // namespace
}  // namespace framelift
