// One training at a time in a folder of runs.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace framelift {

// Holds <folder>/TRAINING.LOCK, with the process id inside, as long as it lives. The lock is the kernel's (flock), so
// that what a dead process left behind does not count. Move-only.
class RunLock {
 public:
  static constexpr const char* file_name = "TRAINING.LOCK";

  RunLock() = default;
  // Errors: already_exists (another training holds it), io (the folder cannot be written).
  static Result<RunLock> acquire(const std::filesystem::path& folder);

  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&& other) noexcept;
  ~RunLock();

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace framelift
