#include "train/run/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace framelift {
namespace {

// Whether the path still names the file that is open: its last holder may have removed it in between.
bool is_same_file(int descriptor, const std::filesystem::path& path) {
  struct stat open_file {
  }, named{};
  return ::fstat(descriptor, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

std::string content(int descriptor) {
  std::array<char, 64> text{};
  const ssize_t count = ::pread(descriptor, text.data(), text.size() - 1, 0);
  return count > 0 ? std::string(text.data(), static_cast<size_t>(count)) : "another process";
}

}  // namespace

Result<RunLock> RunLock::acquire(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / file_name;
  for (;;) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0)
      return fail(ErrorCode::io, "{}: cannot be written ({}); choose another folder for runs", folder.string(),
                  std::strerror(errno));
    RunLock lock;
    lock.path_ = path;
    lock.descriptor_ = descriptor;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const std::string holder = content(descriptor);
      lock.path_.clear();  // not ours to remove
      return fail(ErrorCode::already_exists,
                  "{}: a training is under way here ({}); wait for its end, or choose another folder for runs",
                  path.string(), holder);
    }
    if (!is_same_file(descriptor, path)) continue;
    const std::string text = fmt::format("process {}", ::getpid());
    if (::ftruncate(descriptor, 0) != 0 ||
        ::write(descriptor, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      return fail(ErrorCode::io, "{}: cannot be written ({}); check the free space", path.string(),
                  std::strerror(errno));
    return lock;
  }
}

RunLock::RunLock(RunLock&& other) noexcept
    : path_(std::exchange(other.path_, {})), descriptor_(std::exchange(other.descriptor_, -1)) {}

RunLock& RunLock::operator=(RunLock&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

RunLock::~RunLock() {
  if (descriptor_ < 0) return;
  if (!path_.empty() && is_same_file(descriptor_, path_)) ::unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace framelift
