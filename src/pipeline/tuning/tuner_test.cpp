#include "pipeline/tuning/tuner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <fstream>
#include <map>

#include "base/temporary_folder.h"
#include "pipeline/tuning/network_speed.h"

namespace framelift {
namespace {

// A device on which a run takes a known time, by a clock of its own.
struct FakeDevice {
  Clock::time_point now{};
  int running = 0, most_running = 0;
};

class FakeRequest final : public InferRequest {
 public:
  FakeRequest(FakeDevice& device, int batch, double seconds)
      : device_(device), seconds_(seconds), picture_(DType::f32, {batch, 3, 2, 2}) {}
  TensorView input(int) override { return picture_.view(); }
  TensorView output(int) override { return picture_.view(); }
  Status start() override {
    device_.most_running = std::max(device_.most_running, ++device_.running);
    ends_ = device_.now + std::chrono::nanoseconds(std::llround(seconds_ * 1e9));
    return {};
  }
  Status wait() override {
    --device_.running;
    device_.now = std::max(device_.now, ends_);
    return {};
  }

 private:
  FakeDevice& device_;
  double seconds_;
  Tensor picture_;
  Clock::time_point ends_{};
};

class FakeExecutable final : public Executable {
 public:
  FakeExecutable(FakeDevice& device, int batch, int streams, double seconds)
      : device_(device), streams_(streams), seconds_(seconds), ports_{{"picture", DType::f32, {batch, 3, 2, 2}}} {}
  const std::vector<PortInfo>& inputs() const override { return ports_; }
  const std::vector<PortInfo>& outputs() const override { return ports_; }
  Precision precision() const override { return Precision::f32; }
  int streams() const override { return streams_; }
  Result<std::unique_ptr<InferRequest>> create_request() override {
    return std::make_unique<FakeRequest>(device_, static_cast<int>(ports_[0].shape[0]), seconds_);
  }

 private:
  FakeDevice& device_;
  int streams_;
  double seconds_;
  std::vector<PortInfo> ports_;
};

TEST(NetworkSpeed, CountsThePicturesOfAllStreams) {
  FakeDevice device;
  FakeExecutable executable(device, 4, 3, 0.01);
  const auto speed = measure_speed(executable, 0.5, [&] { return device.now; });
  ASSERT_TRUE(speed);
  EXPECT_NEAR(speed->frames_per_second(), 3 * 4 / 0.01, 1e-6);
  EXPECT_EQ(device.most_running, 3);
  EXPECT_EQ(device.running, 0);
  EXPECT_GE(speed->seconds, 0.5);
  EXPECT_NEAR(speed->latency.mean(), 0.01, 1e-9);
}

// Seconds of a run by batch, streams and threads.
using RunSeconds = std::function<double(const TuningSetting&)>;

struct Found {
  Tuning tuning;
  double measured_seconds = 0;
};

Found search(const TuningLimits& limits, const RunSeconds& run_seconds) {
  Found found;
  const auto tuning = search_tuning(limits, [&](const TuningSetting& s, double seconds) -> Result<double> {
    const double run = run_seconds(s);
    if (run <= 0) return fail(ErrorCode::out_of_memory, "no room for {}", to_string(s));
    FakeDevice device;
    FakeExecutable executable(device, s.batch, std::max(s.streams, 1), run);
    found.measured_seconds += seconds;
    FL_TRY(const NetworkSpeed speed, measure_speed(executable, seconds, [&] { return device.now; }));
    return speed.frames_per_second();
  });
  EXPECT_TRUE(tuning);
  if (tuning) found.tuning = *tuning;
  return found;
}

TEST(Tuner, FindsTheFastestOfKnownTimings) {
  // Made-up machines: what a run costs to begin, the share of a picture's work that threads cannot divide, and how much
  // streams are in each other's way.
  struct Machine {
    double begin, serial, crowd;
  };
  for (const Machine& m : {Machine{0, 0, 0}, {0.004, 0, 0}, {0, 0.4, 0}, {0, 0.4, 0.3}, {0.01, 0.2, 0.1}}) {
    const auto run_seconds = [&](const TuningSetting& s) {
      const double threads = static_cast<double>(s.threads) / s.streams;
      return m.begin + s.batch * 0.01 * (m.serial + (1 - m.serial) / threads) * (1 + m.crowd * (s.streams - 1));
    };
    double fastest = 0;
    for (int batch = 1; batch <= 16; batch *= 2)
      for (int threads = 1; threads <= 8; ++threads)
        for (int streams = 1; streams <= threads; ++streams)
          fastest = std::max(fastest, batch * streams / run_seconds({batch, streams, threads}));
    const Found found = search({1, 16, 8}, run_seconds);
    EXPECT_GE(found.tuning.fps, 0.95 * fastest) << found.tuning.reason;
    EXPECT_LE(found.measured_seconds, 6) << "a short search";
    EXPECT_NE(found.tuning.reason.find(to_string(found.tuning.best)), std::string::npos) << found.tuning.reason;
  }
}

TEST(Tuner, OfEquallyFastSettingsTheSmallestIsTaken) {
  // Everything is as fast as everything else: one picture, one stream, half of the threads.
  const Found found = search({1, 8, 4}, [](const TuningSetting& s) { return 0.001 * s.batch * s.streams; });
  EXPECT_EQ(found.tuning.best, (TuningSetting{1, 1, 2}));
  // A gain of 1 % is none; one of 5 % is.
  const auto batches = [](double gain) {
    return [gain](const TuningSetting& s) { return 0.01 * s.batch * (s.batch == 1 ? 1 + gain : 1); };
  };
  EXPECT_EQ(search({1, 2, 0}, batches(0.01)).tuning.best.batch, 1);
  EXPECT_EQ(search({1, 2, 0}, batches(0.05)).tuning.best.batch, 2);
}

// A host that is slower for a moment again and again, wherever in the search the first such moment falls.
TEST(Tuner, SlowMomentsOfTheHostDoNotDecide) {
  const std::map<std::tuple<int, int, int>, double> fps{{{1, 1, 1}, 415}, {{1, 1, 2}, 760}, {{1, 2, 2}, 780},
                                                        {{2, 1, 2}, 920}, {{2, 2, 2}, 800}, {{4, 1, 2}, 700}};
  for (double phase = 0; phase < 2.5; phase += 0.05) {
    double passed = phase;
    const auto tuning = search_tuning({1, 4, 2}, [&](const TuningSetting& s, double seconds) -> Result<double> {
      const bool slow = std::fmod(passed, 2.5) < 0.8;
      passed += seconds;
      const auto found = fps.find({s.batch, s.streams, s.threads});
      return (found == fps.end() ? 400 : found->second) * (slow ? 0.7 : 1);
    });
    ASSERT_TRUE(tuning);
    EXPECT_EQ(tuning->best, (TuningSetting{2, 1, 2})) << phase << ": " << tuning->reason;
  }
}

TEST(Tuner, FailuresArePassedOver) {
  const auto only_small = [](const TuningSetting& s) { return s.batch > 2 ? 0 : 0.02; };
  const Found found = search({1, 64, 0}, only_small);
  EXPECT_EQ(found.tuning.best.batch, 2);
  ASSERT_EQ(found.tuning.trials.size(), 3u);
  EXPECT_NE(found.tuning.trials.back().failure.find("batch 4"), std::string::npos);
  const auto none = search_tuning(
      {1, 4, 2}, [](const TuningSetting&, double) -> Result<double> { return fail(ErrorCode::out_of_memory, "none"); });
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "none");
}

// A backend whose runs take no time, and that counts what it compiles.
class FakeBackend final : public Backend {
 public:
  const char* name() const override { return "fake"; }
  std::vector<std::string> describe() const override { return {processor}; }
  bool has_streams() const override { return true; }
  Status supports(const Graph&, const CompileOptions&) const override { return {}; }
  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Parameters&,
                                              const CompileOptions& options) override {
    ++compiled;
    const auto batch = static_cast<int>(graph.value(graph.inputs.front()).shape[0]);
    return std::make_unique<FakeExecutable>(device_, batch, options.streams, 0);
  }
  std::string processor = "one";
  int compiled = 0;

 private:
  FakeDevice device_;
};

TEST(Tuner, RemembersBySubject) {
  const auto folder = TemporaryFolder::create().value();
  const auto file = folder.path() / "new" / "tuning.json";
  const Network network = load_network("tests/golden/srvgg_x2.weights.safetensors").value();
  FakeBackend backend;
  TuningSubject subject{&network, &backend, {}, 16, 16, 1, 1};
  subject.compile.threads = 1;  // one setting
  const auto searched = [&] {
    backend.compiled = 0;
    const auto tuning = tune(subject, file);
    EXPECT_TRUE(tuning);
    EXPECT_EQ(tuning->remembered, backend.compiled == 0);
    EXPECT_EQ(tuning->best, (TuningSetting{1, 1, 1}));
    EXPECT_FALSE(tuning->reason.empty());
    return backend.compiled > 0;
  };
  EXPECT_TRUE(searched());
  EXPECT_FALSE(searched());
  subject.width = 32;
  EXPECT_TRUE(searched()) << "another size";
  subject.compile.precision = Precision::bf16;
  EXPECT_TRUE(searched()) << "another precision";
  backend.processor = "two";
  EXPECT_TRUE(searched()) << "another machine";
  EXPECT_FALSE(searched());
  subject.width = 16;
  subject.compile.precision = Precision::automatic;
  backend.processor = "one";
  EXPECT_FALSE(searched()) << "the first is still there";
  for (const char* text : {"", "{", "[1]", "{\"a\": 3}"}) {
    std::ofstream(file) << text;
    EXPECT_TRUE(searched()) << "a file that is none: " << text;
    EXPECT_FALSE(searched());
  }
}

}  // namespace
}  // namespace framelift
