#include "pipeline/statistics.h"

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
