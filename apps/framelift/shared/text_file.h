// A text file (measurements, tables, charts) that is complete under its name or not there; see OutputFile.
#pragma once

#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"
#include "encode/output_file.h"

namespace framelift {

class TextFile {
 public:
  // Checks now what can fail; `inputs` are never written over. An empty path: nothing is asked for, and every call does
  // nothing.
  static Result<TextFile> open(const std::string& path, std::initializer_list<std::string> inputs, bool overwrite);
  // Written through to the file system at once.
  Status add(std::string_view text);
  Status commit();

 private:
  std::string path_;
  OutputFile file_;
  std::ofstream stream_;
};

}  // namespace framelift
