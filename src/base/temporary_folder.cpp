#include "base/temporary_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace framelift {

namespace fs = std::filesystem;

Result<TemporaryFolder> TemporaryFolder::create(fs::path parent) {
  std::error_code error;
  const bool usual = parent.empty();
  if (usual) parent = fs::temp_directory_path(error);
  std::string name = (parent / "framelift-XXXXXX").string();
  if (error || ::mkdtemp(name.data()) == nullptr)
    return fail(ErrorCode::io, "{}: no folder can be made there ({}){}", parent.string(),
                error ? error.message() : std::strerror(errno), usual ? "; set TMPDIR to one that is writable" : "");
  return TemporaryFolder(name);
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace framelift
