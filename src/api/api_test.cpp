#include <framelift/framelift.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <framelift/framelift.hpp>
#include <thread>
#include <vector>

namespace {

const char* const weights = "tests/golden/srvgg_x2.weights.safetensors";

TEST(Api, RunsAPicture) {
  framelift::api::Network network;
  auto opened = network.open(weights);
  ASSERT_TRUE(opened) << opened.message();
  EXPECT_EQ(network.scale(), 2);
  std::vector<float> source(3 * 8 * 10, 0.5f), fast(source.size() * 4), exact(source.size() * 4);
  framelift_engine_options options = FRAMELIFT_ENGINE_OPTIONS_INIT;
  options.precision = "f32";
  for (auto [backend, target] : {std::pair{"auto", &fast}, std::pair{"reference", &exact}}) {
    options.backend = backend;
    framelift::api::Engine engine;
    auto created = engine.create(network, 10, 8, options);
    ASSERT_TRUE(created) << created.message();
    ASSERT_TRUE(engine.run(source.data(), target->data()));
  }
  for (size_t i = 0; i < fast.size(); ++i) EXPECT_NEAR(fast[i], exact[i], 1e-5) << i;
}

// Many callers, each with pictures of its own: everyone gets what the same call alone gives.
TEST(Api, ThreadsShareAnEngine) {
  constexpr int callers = 6, calls = 8;
  framelift::api::Network network;
  ASSERT_TRUE(network.open(weights));
  framelift_engine_options options = FRAMELIFT_ENGINE_OPTIONS_INIT;
  options.precision = "f32";
  framelift::api::Engine alone;
  ASSERT_TRUE(alone.create(network, 10, 8, options));
  for (const int max_batch : {1, 4, 5}) {
    options.max_batch = max_batch;
    framelift::api::Engine shared;
    const auto created = shared.create(network, 10, 8, options);
    ASSERT_TRUE(created) << created.message();
    std::vector<std::jthread> threads;
    std::atomic<int> wrong = 0;
    for (int caller = 0; caller < callers; ++caller)
      threads.emplace_back([&, caller] {
        for (int call = 0; call < calls; ++call) {
          std::vector<float> source(3 * 8 * 10), target(source.size() * 4);
          for (size_t i = 0; i < source.size(); ++i)
            source[i] = static_cast<float>((i * 7 + static_cast<size_t>(caller * calls + call) * 31) % 100) / 99;
          std::vector<float> expected(target.size());
          if (!alone.run(source.data(), expected.data()) || !shared.run(source.data(), target.data())) ++wrong;
          for (size_t i = 0; i < target.size(); ++i)
            if (std::abs(target[i] - expected[i]) > 1e-5f) ++wrong;
          // A call that makes no sense is that caller's alone.
          if (shared.run(nullptr, target.data()).code() != FRAMELIFT_INVALID_ARGUMENT) ++wrong;
        }
      });
    threads.clear();
    EXPECT_EQ(wrong, 0) << max_batch;
  }
}

TEST(Api, ProcessesAVideoAndStopsWhenAsked) {
  framelift::api::Network network;
  ASSERT_TRUE(network.open(weights));
  const std::string file =
      (std::filesystem::temp_directory_path() / ("framelift_api_" + std::to_string(getpid()) + ".mkv")).string();
  framelift_video_options options = FRAMELIFT_VIDEO_OPTIONS_INIT;
  int64_t seen = 0;
  options.user = &seen;
  options.on_progress = [](const framelift_progress* p, void* user) {
    *static_cast<int64_t*>(user) = p->frames;
    return p->frames >= 3 ? 1 : 0;
  };
  auto done = network.process_video("test:32x24:200", file, options);
  EXPECT_TRUE(done) << done.message();
  EXPECT_GE(seen, 3);
  EXPECT_LT(seen, 100);
  EXPECT_TRUE(std::filesystem::exists(file));
  auto again = network.process_video("test:32x24:2", file, options);
  EXPECT_EQ(again.code(), FRAMELIFT_ALREADY_EXISTS);
  EXPECT_NE(again.message().find(file), std::string::npos);
  std::filesystem::remove(file);
}

TEST(Api, ReportsMistakesInsteadOfCrashing) {
  framelift_network* network = nullptr;
  EXPECT_EQ(framelift_network_open(nullptr, &network), FRAMELIFT_INVALID_ARGUMENT);
  EXPECT_EQ(framelift_network_open("no/such/file.safetensors", &network), FRAMELIFT_NOT_FOUND);
  EXPECT_STRNE(framelift_last_error(), "");
  EXPECT_EQ(network, nullptr);
  ASSERT_EQ(framelift_network_open(weights, &network), FRAMELIFT_OK) << framelift_last_error();
  framelift_engine* engine = nullptr;
  EXPECT_EQ(framelift_engine_create(network, 0, 8, nullptr, &engine), FRAMELIFT_INVALID_ARGUMENT);
  framelift_engine_options options = FRAMELIFT_ENGINE_OPTIONS_INIT;
  options.precision = "f7";
  EXPECT_EQ(framelift_engine_create(network, 8, 8, &options, &engine), FRAMELIFT_INVALID_ARGUMENT);
  options.precision = "f32";
  options.max_batch = 65;
  EXPECT_EQ(framelift_engine_create(network, 8, 8, &options, &engine), FRAMELIFT_INVALID_ARGUMENT);
  EXPECT_NE(std::string(framelift_last_error()).find("max_batch"), std::string::npos);
  options.struct_size = offsetof(framelift_engine_options, max_batch);  // of a program older than batches
  ASSERT_EQ(framelift_engine_create(network, 8, 8, &options, &engine), FRAMELIFT_OK) << framelift_last_error();
  framelift_engine_destroy(engine);
  engine = nullptr;
  options.struct_size = 0;
  EXPECT_EQ(framelift_engine_create(network, 8, 8, &options, &engine), FRAMELIFT_INVALID_ARGUMENT);
  EXPECT_EQ(engine, nullptr);
  EXPECT_EQ(framelift_engine_run(nullptr, nullptr, nullptr), FRAMELIFT_INVALID_ARGUMENT);
  framelift_engine_destroy(nullptr);
  framelift_network_close(network);
  framelift_network_close(nullptr);
}

}  // namespace
