#include "profile/profile.h"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "profile/profile_page.h"

namespace framelift {
namespace {

using std::chrono::microseconds;

TEST(Trace, IsChromesTraceEventFormat) {
  Trace trace;
  const int row = trace.add_track("a \"stage\"");
  const int counter = trace.add_counter("memory");
  const auto now = Clock::now();
  trace.add_span(row, "busy", now, now + microseconds(1500), 7);
  trace.add_span(row, "waiting", now + microseconds(1500), now + microseconds(1750));
  trace.add_value(counter, now, 12.5);
  const auto json = nlohmann::json::parse(trace.to_json({{"model", "x\n"}}));
  EXPECT_EQ(json["displayTimeUnit"], "ms");
  EXPECT_EQ(json["otherData"]["model"], "x\n");
  EXPECT_EQ(json["otherData"]["dropped events"], "0");
  std::vector<nlohmann::json> spans, values, names;
  for (const auto& event : json["traceEvents"]) {
    EXPECT_EQ(event["pid"], 1);
    if (event["ph"] == "X") spans.push_back(event);
    if (event["ph"] == "C") values.push_back(event);
    if (event["name"] == "thread_name") names.push_back(event);
  }
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0]["name"], "busy");
  EXPECT_DOUBLE_EQ(spans[0]["dur"].get<double>(), 1500);
  EXPECT_EQ(spans[0]["args"]["frame"], 7);
  EXPECT_FALSE(spans[1].contains("args"));
  EXPECT_NEAR(spans[1]["ts"].get<double>() - spans[0]["ts"].get<double>(), 1500, 2e-3);  // printed to a nanosecond
  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0]["args"]["name"], "a \"stage\"");
  EXPECT_EQ(names[0]["tid"], spans[0]["tid"]);
  ASSERT_EQ(values.size(), 1u);
  EXPECT_EQ(values[0]["args"]["value"], 12.5);
}

TEST(Trace, CountsWhatThereIsNoRoomFor) {
  Trace trace(100);
  const int row = trace.add_track("row");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int k = 0; k < 50; ++k) trace.add_span(row, "s", Clock::now(), Clock::now());
      });
  }
  EXPECT_EQ(trace.size(), 100u);
  EXPECT_EQ(trace.dropped(), 100u);
  EXPECT_TRUE(nlohmann::json::accept(trace.to_json({})));
}

TEST(StageMeter, TellsWorkFromWaiting) {
  Trace trace;
  StageMeter meter;
  meter.attach(trace, trace.add_track("stage"));
  const Clock::time_point t{};
  const auto at = [&](int ms) { return t + std::chrono::milliseconds(ms); };
  meter.add(StageTime::waiting_for_input, at(0), at(30));
  meter.add(StageTime::busy, at(30), at(40));
  meter.end_frame();
  meter.add(StageTime::busy, at(40), at(60));
  meter.add(StageTime::waiting_for_room, at(60), at(65));
  meter.add(StageTime::finishing, at(65), at(165));
  EXPECT_DOUBLE_EQ(meter.busy_seconds(), 0.13);
  EXPECT_DOUBLE_EQ(meter.waiting_for_input(), 0.03);
  EXPECT_DOUBLE_EQ(meter.waiting_for_room(), 0.005);
  EXPECT_EQ(meter.durations().count(), 2);  // of frames
  ASSERT_EQ(trace.size(), 5u);
  EXPECT_EQ(trace.event(1).value, 0);
  EXPECT_EQ(trace.event(2).value, 1);
}

TEST(MemoryMonitor, SeesWhatIsAllocated) {
  Trace trace;
  MemoryMonitor monitor(trace, {}, std::chrono::milliseconds(1));
  std::vector<char> block(64 << 20, 1);
  monitor.stop();
  monitor.stop();
  ASSERT_GE(monitor.samples().size(), 2u);
  EXPECT_GT(monitor.samples().back().resident_bytes - monitor.samples().front().resident_bytes, 32 << 20);
  EXPECT_EQ(trace.size(), monitor.samples().size());
  EXPECT_EQ(block.back(), 1);
}

TEST(MemoryMonitor, SeesADevicesMemory) {
  std::atomic<int64_t> in_use = 0;
  Profile profile([&] { return in_use.load(); });
  in_use = 300'000'000;
  profile.memory.stop();
  EXPECT_EQ(profile.memory.samples().back().device_bytes, 300'000'000);
  EXPECT_NE(profile.trace.to_json({}).find("device MB"), std::string::npos);
  JobReport report;
  report.seconds = 1;
  report.stages = {{"network", 1, 1, 0.3, 0, 0, 0}};
  report.bottleneck = "network";
  report.device_bytes = 300'000'000;
  report.pools = {{"made frames", {5, 3, 1'500'000}}};
  const std::string page = profile_page(report, profile);
  EXPECT_NE(page.find("300 MB on the device"), std::string::npos);
  EXPECT_NE(page.find(">device MB<"), std::string::npos);
  EXPECT_NE(page.find("<th>made frames</th><td>5</td><td>3</td><td>1.5</td>"), std::string::npos) << page;

  Profile without;
  without.memory.stop();
  report.device_bytes = 0;
  EXPECT_EQ(profile_page(report, without).find("device"), std::string::npos);
}

TEST(MemoryMonitor, KeepsABoundedNumberOfSamples) {
  Trace trace;
  MemoryMonitor monitor(trace, {}, std::chrono::milliseconds(0));
  while (trace.size() < 10000) std::this_thread::yield();
  monitor.stop();
  EXPECT_LE(monitor.samples().size(), 4096u);
  for (size_t i = 1; i < monitor.samples().size(); ++i)
    EXPECT_GE(monitor.samples()[i].seconds, monitor.samples()[i - 1].seconds);
}

// An engine whose operations take as long as it is told.
class TimedRequest final : public InferRequest {
 public:
  TensorView input(int) override { return {}; }
  TensorView output(int) override { return {}; }
  Status start() override { return {}; }
  Status wait() override { return {}; }
  void get_operation_seconds(std::span<double> seconds) override {
    seconds[0] = 0.010;
    seconds[1] = 0.030;
  }
};

TEST(NetworkProfile, AddsUpOperationsAndShowsTheFirstRuns) {
  Profile profile;
  TimedRequest request;
  profile.network.attach(
      profile.trace, {{"conv", "Convolution", "brgconv", "bf16", 8'000'000'000}, {"end", "Reorder", "", "f32", 0}}, 2);
  const size_t before = profile.trace.size();
  const Clock::time_point begin = Clock::now();
  for (int run = 0; run < 100; ++run)
    profile.network.add_run(request, run % 2, begin, begin + std::chrono::milliseconds(35));
  profile.memory.stop();
  EXPECT_EQ(profile.network.runs(), 100);
  EXPECT_NEAR(profile.network.seconds()[0], 1, 1e-9);
  EXPECT_NEAR(profile.network.seconds()[1], 3, 1e-9);
  int operations = 0;
  for (size_t i = before; i < profile.trace.size(); ++i) {
    const Trace::Event& event = profile.trace.event(i);
    if (event.name == nullptr || std::string_view(event.name) == "run") continue;
    ++operations;
    EXPECT_LE(event.length_ns, std::string_view(event.name) == "conv" ? 10'000'000 : 25'000'000);  // inside the run
  }
  EXPECT_EQ(operations, 128);

  JobReport report;
  report.frames = 100;
  report.seconds = 4;
  report.precision = "bf16";
  report.model = "<model>";
  report.streams = 2;
  report.stages = {{"network", 35, 36, 0.9, 0, 0, 0}, {"encode", 1, 2, 0.25, 0.75, 0, 1}};
  report.bottleneck = "network";
  profile.peak_flops = 2e12;
  const std::string page = profile_page(report, profile);
  EXPECT_NE(page.find("busy 90 % of 4.0 s. A smaller model"), std::string::npos);
  EXPECT_NE(page.find("Reorder 75.0 %, Convolution 25.0 %."), std::string::npos);
  // 8 GFLOP in 10 ms on one of two streams: 800 GFLOP/s, and 1600 of 2000.
  EXPECT_NE(page.find("<td>10.0000</td><td>25.0</td><td>800</td><td>80</td>"), std::string::npos) << page;
  EXPECT_NE(page.find("&lt;model&gt;"), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
  EXPECT_EQ(page.find("http"), page.find("http://www.w3.org/2000/svg"));  // no links
}

TEST(ProfilePage, SaysWhenNothingIsTheLimit) {
  JobReport report;
  report.seconds = 1;
  report.stages = {{"decode", 1, 1, 0.2, 0, 0, 0}, {"network", 1, 1, 0.3, 0, 0, 0}};
  report.bottleneck = "network";
  EXPECT_TRUE(bottleneck_sentence(report).starts_with("No stage is busy all the time (network most, 30 %"));
  Profile profile;
  profile.memory.stop();
  EXPECT_NE(profile_page(report, profile).find("does not time its operations"), std::string::npos);
}

TEST(PeakFlops, IsAFigure) {
  for (Backend* backend : backends()) {
    if (std::string_view(backend->name()) == "reference" || backend->describe().empty()) continue;
    CompileOptions options;
    options.device = "cpu";
    options.precision = Precision::f32;
    const auto peak = measure_peak_flops(*backend, options);
    if (!peak) continue;  // an engine for other networks
    EXPECT_GT(*peak, 1e8) << backend->name();
  }
}

}  // namespace
}  // namespace framelift
