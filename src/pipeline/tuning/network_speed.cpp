#include "pipeline/tuning/network_speed.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace framelift {

Result<NetworkSpeed> measure_speed(Executable& executable, double seconds,
                                   const std::function<Clock::time_point()>& now) {
  std::vector<std::unique_ptr<InferRequest>> requests;
  for (int i = 0; i < executable.streams(); ++i) {
    FL_TRY(auto request, executable.create_request());
    for (int input = 0; input < static_cast<int>(executable.inputs().size()); ++input)
      std::ranges::fill(request->input(input).f32(), 0.5f);
    requests.push_back(std::move(request));
  }
  for (auto& r : requests) FL_CHECK(r->start());
  for (auto& r : requests) FL_CHECK(r->wait());

  NetworkSpeed speed;
  std::vector<Clock::time_point> started(requests.size());
  const auto begin = now();
  const auto start = [&](size_t i) {
    started[i] = now();
    return requests[i]->start();
  };
  for (size_t i = 0; i < requests.size(); ++i) FL_CHECK(start(i));
  std::vector<bool> running(requests.size(), true);
  size_t left = requests.size();
  for (size_t i = 0; left > 0; i = (i + 1) % requests.size()) {
    if (!running[i]) continue;
    FL_CHECK(requests[i]->wait());
    const auto ended = now();
    speed.latency.add(seconds_between(started[i], ended));
    if (seconds_between(begin, ended) < seconds) {
      FL_CHECK(start(i));
    } else {
      running[i] = false;
      --left;
    }
  }
  speed.frames = speed.latency.count() * executable.inputs().front().shape[0];
  speed.seconds = seconds_between(begin, now());
  return speed;
}

}  // namespace framelift
