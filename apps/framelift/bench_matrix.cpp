// Every combination of a set of options, each measured in a process of its own: what one cell leaves in memory, and
// how it fails, cannot touch the next.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/bench_chart.h"
#include "apps/framelift/shared/engine_options.h"
#include "apps/framelift/shared/text_file.h"
#include "base/child_process.h"
#include "base/temporary_folder.h"
#include "profile/statistics.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct MatrixOptions {
  std::vector<std::string> models, precisions{"auto"}, modes{"throughput"}, sizes{"640x360"};
  std::vector<int> prefetch{4}, threads{0};
  int64_t frames = 100;
  int rounds = 1, warm_up = 2;
  double timeout = 600;
  std::string input, csv, chart;
  bool overwrite = false;
};

struct Cell {
  std::string model, precision, mode, size;
  int prefetch = 0, threads = 0;
  Json stats;          // --stats of the round with the median speed
  std::string reason;  // why there are none
  double fps() const { return stats.value("fps", 0.0); }
  bool ran() const { return reason.empty(); }
  std::string setting() const {
    return fmt::format("{}, {}, threads {}, prefetch {}", precision, mode, threads ? std::to_string(threads) : "all",
                       prefetch);
  }
  std::string group() const {
    const std::string name = fs::path(model).filename().string();
    return size.empty() ? name : name + ", " + size;
  }
};

struct Machine {
  std::string cpu = "unknown", date;
  unsigned cores = std::thread::hardware_concurrency();
};

Machine this_machine() {
  Machine machine;
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) {
      machine.cpu = line.substr(std::min(line.find(':') + 2, line.size()));
      break;
    }
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  machine.date = text;
  return machine;
}

std::vector<Cell> all_cells(const MatrixOptions& o) {
  std::vector<Cell> cells;
  const std::vector<std::string> of_file{""};
  for (const auto& model : o.models)
    for (const auto& size : o.input.empty() ? o.sizes : of_file)
      for (const auto& precision : o.precisions)
        for (const auto& mode : o.modes)
          for (const int threads : o.threads)
            for (const int prefetch : o.prefetch)
              cells.push_back({model, precision, mode, size, prefetch, threads, {}, {}});
  return cells;
}

std::vector<std::string> command_of(const Cell& cell, const MatrixOptions& o, const fs::path& stats) {
  const std::string input = o.input.empty() ? fmt::format("test:{}:{}", cell.size, o.frames) : o.input;
  std::vector<std::string> words{"/proc/self/exe",
                                 "upscale",
                                 input,
                                 "null:",
                                 "--quiet",
                                 "--overwrite",
                                 "--model",
                                 cell.model,
                                 "--precision",
                                 cell.precision,
                                 "--threads",
                                 std::to_string(cell.threads),
                                 "--prefetch",
                                 std::to_string(cell.prefetch),
                                 "--frames",
                                 std::to_string(o.frames),
                                 "--warm-up",
                                 std::to_string(o.warm_up),
                                 "--overwrite",
                                 "--stats",
                                 stats.string()};
  words.insert(words.end(), {"--mode", cell.mode});
  return words;
}

std::string why(const ChildEnd& end, double timeout) {
  constexpr std::string_view prefix = "framelift: ";
  switch (end.how) {
    case ChildEnd::How::timed_out: return fmt::format("not done after {:g} s", timeout);
    case ChildEnd::How::cancelled: return "cancelled";
    case ChildEnd::How::signalled: return fmt::format("ended by signal {} ({})", end.code, strsignal(end.code));
    case ChildEnd::How::exited: break;
  }
  if (end.last_line.empty()) return fmt::format("exit code {}", end.code);
  return end.last_line.starts_with(prefix) ? end.last_line.substr(prefix.size()) : end.last_line;
}

// Measures one cell. A cell that fails says so in its `reason`; an Error means that the matrix cannot go on.
Status measure(Cell& cell, const MatrixOptions& o, const fs::path& folder) {
  const fs::path file = folder / "stats.json";
  std::vector<Json> rounds;
  for (int i = 0; i < o.rounds; ++i) {
    FL_TRY(const ChildEnd end, run_child(command_of(cell, o, file), o.timeout, &interruption()));
    if (interruption().requested()) return fail(ErrorCode::cancelled, "stopped early");
    if (!end.succeeded()) {
      cell.reason = why(end, o.timeout);
      return {};
    }
    std::ifstream in(file);
    rounds.push_back(Json::parse(in, nullptr, false));
    if (!rounds.back().is_object() || !rounds.back().contains("fps")) {
      cell.reason = "left no measurements";
      return {};
    }
  }
  const auto median = rounds.begin() + (o.rounds - 1) / 2;
  std::ranges::nth_element(rounds, median, {}, [](const Json& stats) { return stats["fps"].get<double>(); });
  cell.stats = std::move(*median);
  return {};
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

// The columns of the file in order.
constexpr const char* figure_columns[] = {"fps",        "low_1_percent_fps", "frames",
                                          "seconds",    "late_frames",       "estimated_drops",
                                          "target_fps", "compile_seconds",   "compile_cached"};
std::string header_line() {
  std::string line = "model,size,precision,mode,threads,prefetch,rounds,status";
  for (const char* column : figure_columns) line += fmt::format(",{}", column);
  for (const char* stage : stage_names) line += fmt::format(",{}_ms", stage);
  return line + ",bottleneck,computed_precision,peak_resident_bytes,reason,cpu,cores,version,date\n";
}

std::string line_of(const Cell& cell, const MatrixOptions& o, const Machine& machine) {
  std::string line =
      fmt::format("{},{},{},{},{},{},{},{}", quoted(cell.model), quoted(o.input.empty() ? cell.size : o.input),
                  cell.precision, cell.mode, cell.threads, cell.prefetch, o.rounds, cell.ran() ? "ok" : "failed");
  const auto figure = [&](const Json& from, const char* key) {
    const Json value = from.is_object() ? from.value(key, Json()) : Json();
    return "," + (value.is_null() ? "" : value.is_string() ? quoted(value.get<std::string>()) : value.dump());
  };
  for (const char* column : figure_columns) line += figure(cell.stats, column);
  for (size_t i = 0; i < stage_names.size(); ++i)
    line += figure(cell.ran() ? cell.stats["stages"][i] : Json(), "mean_ms");
  for (const char* column : {"bottleneck", "precision", "peak_resident_bytes"}) line += figure(cell.stats, column);
  return line + fmt::format(",{},{},{},{},{}\n", quoted(cell.reason), quoted(machine.cpu), machine.cores,
                            FRAMELIFT_VERSION, machine.date);
}

// Whether no other cell of the same model and size is faster.
bool is_best(const Cell& cell, const std::vector<Cell>& cells) {
  return cell.ran() && std::ranges::none_of(cells, [&](const Cell& other) {
           return other.ran() && other.group() == cell.group() && other.fps() > cell.fps();
         });
}

void print_table(const std::vector<Cell>& cells) {
  size_t width = 5;
  for (const Cell& cell : cells) width = std::max(width, cell.group().size());
  fmt::print("{:{}}  {:<9}  {:<10}  {:>7}  {:>8}  {:>8}  {:>8}  {}\n", "model", width, "precision", "mode", "threads",
             "prefetch", "fps", "1% low", "limited by");
  for (const Cell& cell : cells) {
    fmt::print("{:{}}  {:<9}  {:<10}  {:>7}  {:>8}  ", cell.group(), width, cell.precision, cell.mode,
               cell.threads ? std::to_string(cell.threads) : "all", cell.prefetch);
    if (cell.ran())
      fmt::print("{:>8.2f}  {:>8.2f}  {}{}\n", cell.fps(), cell.stats.value("low_1_percent_fps", 0.0),
                 cell.stats.value("bottleneck", ""), is_best(cell, cells) ? "  <- best" : "");
    else
      fmt::print("  failed: {}\n", cell.reason);
  }
}

std::string chart_of(const std::vector<Cell>& cells, const MatrixOptions& o, const Machine& machine) {
  std::vector<Bar> bars;
  for (const Cell& cell : cells) {
    Bar bar{cell.group(), cell.setting(), cell.precision, -1, "failed: " + cell.reason};
    if (cell.ran()) {
      bar.value = cell.fps();
      bar.note = is_best(cell, cells) ? "best" : "";
    }
    bars.push_back(std::move(bar));
  }
  const std::string title = "framelift: speed of the whole job";
  const std::string subtitle = fmt::format(
      "{}, {} cores; framelift {}; {}; {}; median of {} round{}", machine.cpu, machine.cores, FRAMELIFT_VERSION,
      machine.date, o.input.empty() ? "test pattern" : o.input, o.rounds, o.rounds == 1 ? "" : "s");
  const std::string svg = bar_chart_svg(title, subtitle, "frames per second", bars);
  return o.chart.ends_with(".svg") ? svg : chart_page(title, svg);
}

Status check(const MatrixOptions& o) {
  for (const std::string& precision : o.precisions) FL_CHECK(parse_precision(precision));
  for (const std::string& size : o.sizes) FL_CHECK(parse_size("--sizes", size));
  if (!o.chart.empty() && !o.chart.ends_with(".html") && !o.chart.ends_with(".svg"))
    return fail(ErrorCode::invalid_argument, "{}: charts are .html or .svg files", o.chart);
  return {};
}

// The exit code: 0 when any cell ran, else 1; 130 when Ctrl-C ended it, with the finished cells kept.
Result<int> bench_matrix(const MatrixOptions& o) {
  FL_CHECK(check(o));
  FL_TRY(TextFile csv, TextFile::open(o.csv, {o.input}, o.overwrite));
  FL_TRY(TextFile chart, TextFile::open(o.chart, {o.input}, o.overwrite));
  FL_TRY(const TemporaryFolder folder, TemporaryFolder::create());
  const Machine machine = this_machine();
  FL_CHECK(csv.add(header_line()));

  const std::vector<Cell> planned = all_cells(o);
  std::vector<Cell> done;
  for (Cell cell : planned) {
    const Status status = measure(cell, o, folder.path());
    if (!status && status.error().code == ErrorCode::cancelled) break;
    FL_CHECK(status);
    FL_CHECK(csv.add(line_of(cell, o, machine)));
    done.push_back(std::move(cell));
    const Cell& last = done.back();
    fmt::print(stderr, "[{}/{}] {}, {}: {}\n", done.size(), planned.size(), last.group(), last.setting(),
               last.ran() ? fmt::format("{:.2f} fps", last.fps()) : "failed: " + last.reason);
  }
  if (done.empty()) return fail(ErrorCode::cancelled, "cancelled before the first cell was measured");
  FL_CHECK(csv.commit());
  FL_CHECK(chart.add(chart_of(done, o, machine)));
  FL_CHECK(chart.commit());
  print_table(done);
  if (done.size() < planned.size()) return 130;
  return std::ranges::any_of(done, &Cell::ran) ? 0 : 1;
}

}  // namespace

void add_bench_matrix_command(CLI::App& bench, Run& run) {
  auto o = std::make_shared<MatrixOptions>();
  CLI::App& c = *bench.add_subcommand("matrix", "Whole jobs with every combination of options, one process each");
  c.add_option("--models", o->models, "Model names or weight files, as all lists with commas between")
      ->delimiter(',')
      ->required();
  c.add_option("--precisions", o->precisions, "Of auto, f32, bf16")->delimiter(',')->capture_default_str();
  c.add_option("--prefetch", o->prefetch, "Decoded frames kept waiting")
      ->delimiter(',')
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  c.add_option("--threads", o->threads, "CPU threads of the network; 0 takes all")
      ->delimiter(',')
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  c.add_option("--modes", o->modes, "Of throughput, latency")
      ->delimiter(',')
      ->check(CLI::IsMember({"throughput", "latency"}))
      ->capture_default_str();
  auto* sizes = c.add_option("--sizes", o->sizes, "WIDTHxHEIGHT of the test pattern that is processed")
                    ->delimiter(',')
                    ->capture_default_str();
  c.add_option("--input", o->input, "Process this instead of the test pattern")->excludes(sizes);
  c.add_option("--frames", o->frames, "Frames of each job")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->capture_default_str();
  c.add_option("--rounds", o->rounds, "Runs of each cell; the one with the median speed counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  c.add_option("--warm-up", o->warm_up, "Unmeasured runs of the network before each job")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  c.add_option("--timeout", o->timeout, "Seconds after which a run is given up")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str();
  c.add_option("--csv", o->csv, "One row for each cell")->required();
  c.add_option("--chart", o->chart, "Bars of all cells, as .html or .svg");
  c.add_flag("--overwrite", o->overwrite, "Replace existing files");
  c.footer(
      "A cell that fails is recorded with its reason, and the others go on; Ctrl-C keeps those that are done.\n"
      "Example:\n"
      "  framelift bench matrix --models animevideov3,general-x4v3 --precisions f32,bf16 --threads 1,2 \\\n"
      "      --csv matrix.csv --chart matrix.html");
  c.callback([o, &run] {
    run = [o] {
      const Result<int> code = bench_matrix(*o);
      return code ? *code : report_failure(code.error());
    };
  });
}

}  // namespace framelift
