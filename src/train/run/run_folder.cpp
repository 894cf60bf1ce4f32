#include "train/run/run_folder.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>
#include <fstream>

#include "encode/output_file.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

constexpr const char* latest = "latest";

fs::path checkpoint_in(const fs::path& run, std::string_view name) {
  return run / "checkpoints" / fmt::format("{}.safetensors", name);
}

Status make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    return fail(ErrorCode::io, "{}: cannot be created ({}); choose another folder for runs", path.string(),
                error.message());
  return {};
}

bool is_good_tag(std::string_view tag) {
  return std::ranges::all_of(tag, [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '-' || c == '_'; });
}

// The newest run with a latest checkpoint; names begin with the time, so the last name is the newest.
fs::path newest_run(const fs::path& root) {
  fs::path newest;
  std::error_code error;
  for (auto it = fs::directory_iterator(root, error); !error && it != fs::directory_iterator(); it.increment(error))
    if (fs::exists(checkpoint_in(it->path(), latest)) && it->path().filename() > newest.filename()) newest = it->path();
  return newest;
}

}  // namespace

Result<RunFolder> RunFolder::create(const fs::path& root, const std::string& tag) {
  if (!is_good_tag(tag))
    return fail(ErrorCode::invalid_argument, "tag '{}' has other characters than letters, digits, '.', '-' and '_'",
                tag);
  std::tm local{};
  const std::time_t now = std::time(nullptr);
  ::localtime_r(&now, &local);
  const std::string name = fmt::format("{:%Y%m%d-%H%M%S}", local);
  const std::string ending = tag.empty() ? "" : "_" + tag;
  RunFolder run;
  run.path_ = root / (name + ending);
  for (int i = 2; fs::exists(run.path_); ++i) run.path_ = root / fmt::format("{}-{}{}", name, i, ending);
  for (const char* folder : {"checkpoints", "logs", "viz", "tb"}) FL_CHECK(make_folder(run.path_ / folder));
  return run;
}

Result<RunFolder> RunFolder::open(const fs::path& path) {
  RunFolder run;
  run.path_ = path;
  for (const char* folder : {"checkpoints", "logs", "viz", "tb"}) FL_CHECK(make_folder(path / folder));
  return run;
}

fs::path RunFolder::checkpoint(std::string_view name) const { return checkpoint_in(path_, name); }

Status make_run_root(const fs::path& root) { return make_folder(root); }

Status write_text(const fs::path& path, const std::string& text) {
  FL_TRY(OutputFile file, OutputFile::create(path.string(), {}, true));
  std::ofstream stream(file.temporary_path(), std::ios::binary);
  if (!(stream << text << std::flush))
    return fail(ErrorCode::io, "{}: cannot be written; check the folder and the free space", path.string());
  return file.commit();
}

Result<ResumePoint> find_resume_point(const fs::path& root, const std::string& what) {
  if (what == "latest" || what == "best") {
    const fs::path run = newest_run(root);
    if (run.empty())
      return fail(ErrorCode::not_found, "{}: holds no run to resume; give --resume a checkpoint file", root.string());
    ResumePoint point{checkpoint_in(run, what), run, what == latest};
    if (!fs::exists(point.checkpoint))
      return fail(ErrorCode::not_found, "{}: is not there; resume from 'latest'", point.checkpoint.string());
    return point;
  }
  const fs::path path(what);
  std::error_code error;
  if (fs::is_directory(path, error)) {
    if (!fs::exists(checkpoint_in(path, latest)))
      return fail(ErrorCode::not_found, "{}: is no run folder with a latest checkpoint", what);
    return ResumePoint{checkpoint_in(path, latest), path, true};
  }
  if (!fs::exists(path, error))
    return fail(ErrorCode::not_found, "{}: no such checkpoint; give 'latest', 'best', a file or a run folder", what);
  ResumePoint point{path, {}, false};
  const fs::path run = fs::absolute(path).parent_path().parent_path();
  if (fs::absolute(path).parent_path().filename() == "checkpoints") {
    point.run = run;
    point.continues = path.stem() == latest;
  }
  return point;
}

}  // namespace framelift
