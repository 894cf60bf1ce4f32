#include "encode/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>

namespace framelift {
namespace {
namespace fs = std::filesystem;

// A device or a named pipe takes the bytes itself; there is nothing to rename over it.
bool is_device(const fs::path& path) {
  std::error_code error;
  return fs::is_other(path, error);
}

}  // namespace

Status OutputFile::check(const std::string& path, const std::string& input_path, bool overwrite) {
  std::error_code error;
  const fs::path target(path);
  if (is_device(target)) return {};
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  if (fs::is_directory(target, error))
    return fail(ErrorCode::invalid_argument, "{}: is a folder; give a file name such as {}/out.mkv", path, path);
  if (!fs::exists(folder, error))
    return fail(ErrorCode::io, "{}: the folder {} does not exist; create it first", path, folder.string());
  if (!fs::is_directory(folder, error)) return fail(ErrorCode::io, "{}: {} is not a folder", path, folder.string());
  if (fs::exists(target, error)) {
    if (!input_path.empty() && fs::equivalent(target, input_path, error))
      return fail(ErrorCode::invalid_argument, "{}: is the input itself; choose another output name", path);
    if (!overwrite) return fail(ErrorCode::already_exists, "{}: exists already; use --overwrite to replace it", path);
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    return fail(ErrorCode::io, "{}: the folder {} is not writable ({})", path, folder.string(), std::strerror(errno));
  return {};
}

Result<OutputFile> OutputFile::create(const std::string& path, const std::string& input_path, bool overwrite) {
  FL_CHECK(check(path, input_path, overwrite));
  std::error_code error;
  OutputFile file;
  // Through a symbolic link the file it points to is replaced, and the link stays.
  fs::path target = path;
  if (fs::is_symlink(target, error)) {
    fs::path resolved = fs::weakly_canonical(target, error);
    if (!error) target = resolved;
  }
  file.target_ = target.string();
  if (is_device(target)) {
    file.temporary_ = file.target_;
    return file;
  }
  std::random_device random;
  const std::string name =
      fmt::format(".{}.part{:04x}{}", target.stem().string(), random() & 0xffff, target.extension().string());
  file.temporary_ = (target.parent_path() / name).string();
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : target_(std::exchange(other.target_, {})), temporary_(std::exchange(other.temporary_, {})) {}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  std::swap(target_, other.target_);
  std::swap(temporary_, other.temporary_);
  return *this;
}

OutputFile::~OutputFile() {
  if (temporary_ != target_) unlink(temporary_.c_str());
}

Status OutputFile::commit() {
  if (temporary_ != target_ && rename(temporary_.c_str(), target_.c_str()) != 0)
    return fail(ErrorCode::io, "{}: cannot be renamed from {} ({})", target_, temporary_, std::strerror(errno));
  temporary_ = target_;
  return {};
}

}  // namespace framelift
