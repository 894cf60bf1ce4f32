// The folder of one training: <root>/<timestamp>[_tag]/ with checkpoints/, logs/, viz/, tb/, charts, config.json,
// report.html and model.safetensors.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace framelift {

class RunFolder {
 public:
  // A new one under `root`, which exists, named by the local time. `tag`: letters, digits, '.', '-' and '_'.
  // Errors: invalid_argument (tag), io.
  static Result<RunFolder> create(const std::filesystem::path& root, const std::string& tag);
  // One that is there already.
  static Result<RunFolder> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path checkpoint(std::string_view name) const;  // checkpoints/<name>.safetensors
  std::filesystem::path logs() const { return path_ / "logs"; }
  std::filesystem::path pictures() const { return path_ / "viz"; }
  std::filesystem::path tensorboard() const { return path_ / "tb"; }
  std::filesystem::path model() const { return path_ / "model.safetensors"; }

 private:
  std::filesystem::path path_;
};

// Makes the folder of runs if need be. Errors: io.
Status make_run_root(const std::filesystem::path& root);

// Replaces a file of the run as a whole: a temporary name, then renamed.
Status write_text(const std::filesystem::path& path, const std::string& text);

// Where a training goes on from.
struct ResumePoint {
  std::filesystem::path checkpoint;
  std::filesystem::path run;  // the folder that it belongs to; empty: none
  bool continues = false;     // the run's latest state: its folder is written on; else a new folder begins
};
// "latest" or "best" of the newest run under `root`, or a checkpoint file, or a run folder (its latest).
// Errors: not_found.
Result<ResumePoint> find_resume_point(const std::filesystem::path& root, const std::string& what);

}  // namespace framelift
