#include "apps/framelift/shared/text_file.h"

namespace framelift {

Result<TextFile> TextFile::open(const std::string& path, std::initializer_list<std::string> inputs, bool overwrite) {
  TextFile made;
  if (path.empty()) return made;
  for (const std::string& input : inputs) FL_CHECK(OutputFile::check(path, input, overwrite));
  made.path_ = path;
  FL_TRY(made.file_, OutputFile::create(path, "", overwrite));
  made.stream_.open(made.file_.temporary_path());
  FL_CHECK(made.add(""));
  return made;
}

Status TextFile::add(std::string_view text) {
  if (path_.empty() || stream_ << text << std::flush) return {};
  return fail(ErrorCode::io, "{}: cannot be written; check the folder, its permissions and the free space", path_);
}

Status TextFile::commit() {
  if (path_.empty()) return {};
  stream_.close();
  return file_.commit();
}

}  // namespace framelift
