#include "pipeline/tuning/tuner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <tuple>

#include "base/log.h"
#include "graph/analysis.h"
#include "pipeline/tuning/network_speed.h"

namespace framelift {
namespace {

constexpr double short_look = 0.15, long_look = 0.6;  // seconds
constexpr double close = 0.98;                        // of the fastest: as good
constexpr double promising = 0.9;                     // of the fastest: worth a longer look
constexpr size_t most_promising = 4;

std::string counted(int n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

class Search {
 public:
  Search(const TuningLimits& limits, const MeasureSetting& measure) : limits_(limits), measure_(measure) {}

  Result<Tuning> run() {
    for (int threads = limits_.threads; threads > 0; threads = threads == limits_.threads ? threads / 2 : 0)
      for (int streams = 1; streams <= threads; streams *= 2) look({limits_.min_batch, streams, threads});
    if (limits_.threads == 0) look({limits_.min_batch, 0, 0});
    if (!best()) return fail(*first_error_);
    climb(best()->setting);
    climb(best([](const TuningSetting& setting) { return setting.streams <= 1; })->setting);
    look_again();
    return choice();
  }

 private:
  using Trials = std::vector<TuningTrial>;

  const TuningTrial* best(const std::function<bool(const TuningSetting&)>& counts = {}) const {
    const TuningTrial* found = nullptr;
    for (const TuningTrial& t : trials_)
      if (t.fps > (found ? found->fps : 0) && (!counts || counts(t.setting))) found = &t;
    return found;
  }

  double look(const TuningSetting& setting) {
    const auto known = std::ranges::find(trials_, setting, &TuningTrial::setting);
    if (known != trials_.end()) return known->fps;
    TuningTrial trial{setting, 0, {}};
    if (const auto fps = measure_(setting, short_look)) {
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

  void look_again() {
    std::vector<TuningTrial*> order;
    const double fastest = best()->fps;
    for (TuningTrial& t : trials_)
      if (t.fps >= promising * fastest) order.push_back(&t);
    std::ranges::sort(order, std::greater{}, &TuningTrial::fps);
    order.resize(std::min(order.size(), most_promising));
    if (order.size() < 2) return;
    // What is not looked at again has no say: a short look may flatter.
    for (TuningTrial& t : trials_)
      if (std::ranges::find(order, &t) == order.end()) t.fps = std::min(t.fps, promising * fastest);
    for (TuningTrial* t : order)
      if (const auto fps = measure_(t->setting, long_look)) t->fps = *fps;
  }

  Tuning choice() const {
    const TuningTrial& fastest = *best();
    const auto cost = [](const TuningTrial* t) {
      return std::tuple(t->setting.batch, t->setting.streams, t->setting.threads);
    };
    const TuningTrial *chosen = &fastest, *next = nullptr;
    for (const TuningTrial& t : trials_)
      if (t.fps >= close * fastest.fps && cost(&t) < cost(chosen)) chosen = &t;
    for (const TuningTrial& t : trials_)
      if (&t != chosen && t.fps > (next ? next->fps : 0)) next = &t;
    Tuning tuning{chosen->setting, chosen->fps, {}, trials_, false};
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

  FL_TRY(Tuning tuning, search_tuning(limits, [&](const TuningSetting& setting, double seconds) -> Result<double> {
           FL_TRY(const Graph graph, s.network->build(setting.batch, s.height, s.width));
           CompileOptions options = with_setting(s.compile, setting);
           options.cache_dir.clear();  // only the chosen one is worth its place on disk
           FL_TRY(const auto executable, s.backend->compile(graph, s.network->parameters, options));
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
