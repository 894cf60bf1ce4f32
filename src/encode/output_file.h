// The file an output goes to: checked before the first frame, written under a temporary name, renamed when complete.
#pragma once

#include <string>

#include "base/result.h"

namespace framelift {

// Move-only. Removes the temporary file unless commit() was called.
class OutputFile {
 public:
  OutputFile() = default;
  // Errors: already_exists, io (folder missing or not writable), invalid_argument (`path` is `input_path`, also
  // through links). `input_path` may be empty or something that is no file.
  static Result<OutputFile> create(const std::string& path, const std::string& input_path, bool overwrite);
  // The checks alone, for outputs that are not one file (image sequences).
  static Status check(const std::string& path, const std::string& input_path, bool overwrite);

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&& other) noexcept;
  ~OutputFile();

  // "folder/.name.part1a2b.mkv", in the same folder as the target; the target itself when that is a device or a pipe.
  const std::string& temporary_path() const { return temporary_; }
  // A device or a pipe: what is written is out of our hands.
  bool writes_through() const { return temporary_ == target_; }
  Status commit();

 private:
  std::string target_, temporary_;  // equal: nothing to rename or remove
};

}  // namespace framelift
