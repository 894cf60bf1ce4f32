// Finds how a network runs fastest on this machine: a short measured search over batch, streams and threads, whose
// result is kept on disk.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "network/network.h"

namespace framelift {

struct TuningSetting {
  int batch = 1;                 // pictures in one run
  int streams = 0, threads = 0;  // as CompileOptions has them; 0: the engine has nothing to choose
  friend bool operator==(const TuningSetting&, const TuningSetting&) = default;
};
std::string to_string(const TuningSetting& setting);  // "batch 2, 1 stream, 4 threads"

struct TuningTrial {
  TuningSetting setting;
  double fps = 0;       // pictures a second, the median of those measured again; 0: it failed
  std::string failure;  // why
};

struct Tuning {
  TuningSetting best;
  double fps = 0;
  std::string reason;               // what was chosen and why, one line
  std::vector<TuningTrial> trials;  // in the order they were made; empty when it was remembered
  bool remembered = false;
};

// What is searched: powers of two times the smallest batch; powers of two streams, each with a thread at least.
struct TuningLimits {
  int min_batch = 1, max_batch = 1;
  int threads = 0;  // the most; 0: neither streams nor threads are searched
};

// Pictures a second with a setting, measured for about so many seconds.
using MeasureSetting = std::function<Result<double>(const TuningSetting&, double seconds)>;

// Streams with all threads and with half of them are tried first, shortly. From the promising of those batch and
// streams are doubled and halved while that helps. The best few are measured again by turns, and
// the median of what each reached counts: a host is slower for moments at a time. Of settings within 2 % of the fastest
// the one with the smallest batch, then the fewest streams, then the fewest threads is chosen: memory and latency
// count, too. Settings that fail are passed over. Error: that of the first when all failed.
Result<Tuning> search_tuning(const TuningLimits& limits, const MeasureSetting& measure);

// What a tuning is good for; another of any of these needs another.
struct TuningSubject {
  const Network* network = nullptr;
  Backend* backend = nullptr;
  CompileOptions compile;  // its streams count for nothing, its threads are the most where they are above 0
  int height = 0, width = 0;
  int min_batch = 1, max_batch = 1;
};

// The tuning of `subject`: from `file` where it is there, else searched for and added to it. A file that cannot be read
// or written is no error: then the search is made each time. An empty path: nothing is kept.
Result<Tuning> tune(const TuningSubject& subject, const std::filesystem::path& file);

// The options with the setting's streams and threads.
CompileOptions with_setting(CompileOptions options, const TuningSetting& setting);

}  // namespace framelift
