// Several threads that call one network in C++, as a server's would: pictures a second with one picture in a run, and
// with as many together as there are callers.
//   callers MODEL [EDGE [CALLERS [SECONDS]]]
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <framelift/framelift.hpp>
#include <iostream>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

// Pictures a second, or less than 0 when a call failed.
double measure(framelift::api::Engine& engine, size_t values_in, size_t values_out, int callers, double seconds) {
  std::atomic<int> pictures = 0;
  std::atomic<bool> failed = false;
  const auto begin = Clock::now(), end = begin + std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
  std::vector<std::jthread> threads;
  for (int caller = 0; caller < callers; ++caller)
    threads.emplace_back([&] {
      const std::vector<float> source(values_in, 0.5f);
      std::vector<float> target(values_out);
      while (Clock::now() < end && !failed) {
        if (const auto ran = engine.run(source.data(), target.data()); ran)
          ++pictures;
        else if (!failed.exchange(true))
          std::cerr << ran.message() << "\n";
      }
    });
  threads.clear();
  return failed ? -1 : pictures / std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 5) return std::cerr << "usage: " << argv[0] << " MODEL [EDGE [CALLERS [SECONDS]]]\n", 2;
  const int edge = argc > 2 ? std::atoi(argv[2]) : 64, callers = argc > 3 ? std::atoi(argv[3]) : 8;
  const double seconds = argc > 4 ? std::atof(argv[4]) : 1;
  framelift::api::Network network;
  if (const auto opened = network.open(argv[1]); !opened) return std::cerr << opened.message() << "\n", 1;
  const size_t pixels = size_t{1} * edge * edge, large = pixels * network.scale() * network.scale();
  for (const int max_batch : {1, callers}) {
    framelift::api::Engine engine;
    framelift_engine_options options = FRAMELIFT_ENGINE_OPTIONS_INIT;
    options.max_batch = max_batch;
    if (const auto made = engine.create(network, edge, edge, options); !made)
      return std::cerr << made.message() << "\n", 1;
    const double speed = measure(engine, 3 * pixels, 3 * large, callers, seconds);
    if (speed < 0) return 1;
    std::cout << callers << " callers, at most " << max_batch << " together: " << speed << " pictures a second\n";
  }
  return 0;
}
