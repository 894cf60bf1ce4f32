// Room for files that nobody keeps.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace framelift {

// A new folder of this process's own, removed with all that is in it when its owner goes. Move-only.
class TemporaryFolder {
 public:
  // In `parent`, or where temporary files belong ($TMPDIR, else /tmp). Errors: io, with the parent's name.
  static Result<TemporaryFolder> create(std::filesystem::path parent = {});
  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

}  // namespace framelift
