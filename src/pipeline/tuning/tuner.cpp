#include "pipeline/tuning/tuner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <thread>
#include <tuple>

#include "base/available_memory.h"
#include "base/log.h"
#include "graph/analysis.h"
#include "pipeline/job_plan.h"
#include "pipeline/tuning/network_speed.h"

namespace framelift {
namespace {

constexpr double first_look = 0.1, later_look = 0.05;  // seconds
constexpr double close = 0.98;                         // of the fastest: as good
constexpr double promising = 0.75;                     // of the fastest: its neighbours may be faster yet
constexpr size_t most_promising = 5;
constexpr int most_rounds = 15;
constexpr double rounds_seconds = most_promising * most_rounds * later_look;  // fewer rounds where runs take longer

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

std::string counted(int n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

class Search {
 public:
  Search(const TuningLimits& limits, const MeasureSetting& measure) : limits_(limits), measure_(measure) {}

  Result<Tuning> run() {
    for (int threads = limits_.threads; threads > 0; threads = threads == limits_.threads ? threads / 2 : 0)
      for (int streams = 1; streams <= threads; streams *= 2) look({limits_.min_batch, streams, threads});
    if (limits_.threads == 0) look({limits_.min_batch, 0, 0});
    if (!best()) return fail(*first_error_);
    const Trials first = trials_;
    const double fastest = best()->fps;
    for (const TuningTrial& t : first)
      if (t.fps >= promising * fastest) climb(t.setting);
    return choice(look_again());
  }

 private:
  using Trials = std::vector<TuningTrial>;

  const TuningTrial* best() const {
    const auto found = std::ranges::max_element(trials_, {}, &TuningTrial::fps);
    return found->fps > 0 ? &*found : nullptr;
  }

  double look(const TuningSetting& setting) {
    const auto known = std::ranges::find(trials_, setting, &TuningTrial::setting);
    if (known != trials_.end()) return known->fps;
    TuningTrial trial{setting, 0, {}};
    if (const auto fps = measure_(setting, first_look)) {
      trial.fps = *fps;
    } else {
      trial.failure = fps.error().message;
      if (!first_error_) first_error_ = fps.error();
    }
    trials_.push_back(std::move(trial));
    return trials_.back().fps;
  }

  // To the fastest of twice and half the batch and the streams, for as long as that is faster.
  void climb(TuningSetting at) {
    for (double fps = look(at);;) {
      const TuningSetting here = at;
      const auto step = [&](int batch, int streams) {
        if (batch < limits_.min_batch || batch > limits_.max_batch || streams > here.threads) return;
        if (const double found = look({batch, streams, here.threads}); found > fps) {
          fps = found;
          at = {batch, streams, here.threads};
        }
      };
      step(here.batch * 2, here.streams);
      step(here.batch / 2, here.streams);
      if (here.streams > 0) step(here.batch, here.streams * 2);
      if (here.streams > 1) step(here.batch, here.streams / 2);
      if (at == here) return;
    }
  }

  // A host that others share is slower for moments at a time, and whatever is looked at then seems slow. So the
  // promising are looked at by turns, each beside the others of its round, and the median over the rounds counts.
  Trials look_again() const {
    Trials finalists;
    std::ranges::copy_if(trials_, std::back_inserter(finalists),
                         [](const TuningTrial& t) { return t.failure.empty(); });
    std::ranges::stable_sort(finalists, std::greater{}, &TuningTrial::fps);
    finalists.resize(std::min(finalists.size(), most_promising));
    if (finalists.size() < 2) return finalists;
    double round_seconds = 0;
    for (const TuningTrial& t : finalists)
      round_seconds += std::max(later_look, t.setting.batch * std::max(t.setting.streams, 1) / t.fps);
    const int rounds = std::clamp(static_cast<int>(std::lround(rounds_seconds / round_seconds)), 1, most_rounds);
    std::vector<std::vector<double>> shares(finalists.size());
    std::vector<double> sums;
    for (int round = 0; round < rounds; ++round) {
      for (TuningTrial& t : finalists) {
        if (!t.failure.empty()) continue;
        const auto fps = measure_(t.setting, later_look);
        t.fps = fps ? *fps : 0;
        if (!fps) t.failure = fps.error().message;
      }
      sums.push_back(std::transform_reduce(finalists.begin(), finalists.end(), 0.0, std::plus{},
                                           [](const TuningTrial& t) { return t.fps; }));
      for (size_t i = 0; i < finalists.size(); ++i) shares[i].push_back(finalists[i].fps / sums.back());
    }
    for (size_t i = 0; i < finalists.size(); ++i)
      if (finalists[i].failure.empty()) finalists[i].fps = median(shares[i]) * median(sums);
    return finalists;
  }

  Tuning choice(const Trials& finalists) const {
    const TuningTrial& fastest = *std::ranges::max_element(finalists, {}, &TuningTrial::fps);
    const auto cost = [](const TuningTrial* t) {
      return std::tuple(t->setting.batch, t->setting.streams, t->setting.threads);
    };
    const TuningTrial *chosen = &fastest, *next = nullptr;
    for (const TuningTrial& t : finalists)
      if (t.fps >= close * fastest.fps && cost(&t) < cost(chosen)) chosen = &t;
    for (const TuningTrial& t : finalists)
      if (&t != chosen && t.fps > (next ? next->fps : 0)) next = &t;
    Tuning tuning{chosen->setting, chosen->fps, {}, trials_, false};
    for (const TuningTrial& t : finalists) *std::ranges::find(tuning.trials, t.setting, &TuningTrial::setting) = t;
    tuning.reason = fmt::format("{}: {:.1f} fps, ", to_string(chosen->setting), chosen->fps);
    if (trials_.size() == 1)
      tuning.reason += "the only setting there is";
    else if (chosen != &fastest)
      tuning.reason +=
          fmt::format("as fast as {} ({:.1f} fps) for less memory", to_string(fastest.setting), fastest.fps);
    else
      tuning.reason += fmt::format("the fastest of {}", trials_.size());
    if (chosen == &fastest && next)
      tuning.reason += fmt::format("; next {} ({:.1f} fps)", to_string(next->setting), next->fps);
    return tuning;
  }

  TuningLimits limits_;
  const MeasureSetting& measure_;
  Trials trials_;
  std::optional<Error> first_error_;
};

// The settings of a search, compiled once each as long as memory lasts.
class Candidates {
 public:
  explicit Candidates(const TuningSubject& subject) : subject_(subject) {}

  Result<Executable*> compiled(const TuningSetting& setting) {
    const auto known = std::ranges::find(kept_, setting, &Candidate::setting);
    if (known != kept_.end()) return known->executable.get();
    FL_TRY(const Graph graph, subject_.network->build(setting.batch, subject_.height, subject_.width));
    CompileOptions options = with_setting(subject_.compile, setting);
    options.cache_dir.clear();  // only the chosen one is worth its place on disk
    const int64_t bytes = graph_cost(graph).parameter_bytes +
                          std::max(setting.streams, 1) * request_bytes(graph, subject_.compile.precision);
    if (kept_bytes_ + bytes > available_memory() / 2) {
      kept_.clear();
      kept_bytes_ = 0;
    }
    FL_TRY(auto executable, subject_.backend->compile(graph, subject_.network->parameters, options));
    kept_.push_back({setting, std::move(executable)});
    kept_bytes_ += bytes;
    return kept_.back().executable.get();
  }

 private:
  struct Candidate {
    TuningSetting setting;
    std::unique_ptr<Executable> executable;
  };
  const TuningSubject& subject_;
  std::vector<Candidate> kept_;
  int64_t kept_bytes_ = 0;
};

// Everything that another tuning depends on, as a key. The weights' values are no part of it.
Result<std::string> key_of(const TuningSubject& s, const TuningLimits& limits) {
  FL_TRY(const Graph graph, s.network->build(1, s.height, s.width));
  const GraphCost cost = graph_cost(graph);
  const nlohmann::json key{{"model", s.network->name},
                           {"flops", cost.flops},
                           {"parameters", cost.parameter_count},
                           {"size", fmt::format("{}x{}", s.width, s.height)},
                           {"engine", fmt::format("{}: {}", s.backend->name(), fmt::join(s.backend->describe(), "; "))},
                           {"device", s.compile.device},
                           {"precision", to_string(s.compile.precision)},
                           {"threads", limits.threads},
                           {"batch", {limits.min_batch, limits.max_batch}}};
  return key.dump();
}

nlohmann::json read_file(const std::filesystem::path& file) {
  std::ifstream in(file);
  nlohmann::json all = nlohmann::json::parse(in, nullptr, false);
  return all.is_object() ? all : nlohmann::json::object();
}

std::optional<Tuning> recall(const nlohmann::json& all, const std::string& key, const TuningLimits& limits) {
  const auto found = all.find(key);
  if (found == all.end()) return std::nullopt;
  Tuning tuning;
  tuning.remembered = true;
  try {
    found->at("batch").get_to(tuning.best.batch);
    found->at("streams").get_to(tuning.best.streams);
    found->at("threads").get_to(tuning.best.threads);
    found->at("fps").get_to(tuning.fps);
    found->at("reason").get_to(tuning.reason);
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
  const auto& [batch, streams, threads] = tuning.best;
  const bool possible = batch >= limits.min_batch && batch <= limits.max_batch && streams >= 0 && streams <= threads &&
                        threads <= limits.threads;
  return possible ? std::optional(std::move(tuning)) : std::nullopt;
}

// A file that another process writes at the same time loses one of the two; it is searched for again.
void remember(const std::filesystem::path& file, nlohmann::json all, const std::string& key, const Tuning& tuning) {
  all[key] = {{"batch", tuning.best.batch},
              {"streams", tuning.best.streams},
              {"threads", tuning.best.threads},
              {"fps", tuning.fps},
              {"reason", tuning.reason}};
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  std::filesystem::path unfinished = file;
  unfinished += ".new";
  if (std::ofstream out(unfinished); out << all.dump(1) << '\n' && out.flush())
    std::filesystem::rename(unfinished, file, error);
  else
    error = std::make_error_code(std::errc::io_error);
  if (error) log::warn("{}: cannot keep the tuning: {}", file.string(), error.message());
}

}  // namespace

std::string to_string(const TuningSetting& s) {
  std::string text = fmt::format("batch {}", s.batch);
  if (s.streams > 0) text += ", " + counted(s.streams, "stream");
  if (s.threads > 0) text += ", " + counted(s.threads, "thread");
  return text;
}

Result<Tuning> search_tuning(const TuningLimits& limits, const MeasureSetting& measure) {
  return Search(limits, measure).run();
}

Result<Tuning> tune(const TuningSubject& s, const std::filesystem::path& file) {
  TuningLimits limits{s.min_batch, s.max_batch, 0};
  if (s.backend->has_streams())
    limits.threads = s.compile.threads > 0 ? s.compile.threads : std::max(1u, std::thread::hardware_concurrency());
  FL_TRY(const std::string key, key_of(s, limits));
  nlohmann::json all = read_file(file);
  if (auto known = recall(all, key, limits)) return *std::move(known);

  Candidates candidates(s);
  FL_TRY(Tuning tuning, search_tuning(limits, [&](const TuningSetting& setting, double seconds) -> Result<double> {
           FL_TRY(Executable * executable, candidates.compiled(setting));
           FL_TRY(const NetworkSpeed speed, measure_speed(*executable, seconds));
           return speed.frames_per_second();
         }));
  if (!file.empty()) remember(file, std::move(all), key, tuning);
  return tuning;
}

CompileOptions with_setting(CompileOptions options, const TuningSetting& setting) {
  if (setting.streams > 0) {
    options.streams = setting.streams;
    options.latency = false;
  }
  if (setting.threads > 0) options.threads = setting.threads;
  return options;
}

}  // namespace framelift
