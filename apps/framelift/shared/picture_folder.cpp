#include "apps/framelift/shared/picture_folder.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "apps/framelift/commands.h"
#include "decode/picture_files.h"

namespace framelift {

namespace fs = std::filesystem;

bool is_picture_batch(const std::string& input, const std::string& output) {
  return fs::is_directory(input) && fs::path(output).extension().empty() && !output.starts_with("null:") &&
         output != "-";
}

Result<std::vector<fs::path>> pictures_of(const fs::path& folder, std::span<const std::string_view> extensions) {
  std::vector<fs::path> pictures;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (std::ranges::count(extensions, "." + lower_extension(entry.path()))) pictures.push_back(entry.path());
  }
  if (error) return fail(ErrorCode::io, "{}: the folder cannot be read ({})", folder.string(), error.message());
  std::ranges::sort(pictures);
  if (!pictures.empty()) return pictures;
  std::string names;
  for (std::string_view extension : extensions) names += (names.empty() ? "" : ", ") + std::string(extension);
  return fail(ErrorCode::not_found, "{}: no pictures in this folder ({})", folder.string(), names);
}

Status for_each_picture(const fs::path& in, const fs::path& out, std::span<const std::string_view> extensions,
                        const std::function<Status(const fs::path&)>& process) {
  FL_TRY(const auto pictures, pictures_of(in, extensions));
  std::error_code error;
  fs::create_directories(out, error);
  if (error) return fail(ErrorCode::io, "{}: cannot be made ({})", out.string(), error.message());
  int failed = 0;
  for (const fs::path& picture : pictures) {
    if (interruption().requested()) return fail(ErrorCode::cancelled, "cancelled");
    if (const Status status = process(picture); !status) {
      report_failure(status.error());
      ++failed;
    }
  }
  if (failed) return fail(ErrorCode::invalid_data, "{} of {} pictures failed", failed, pictures.size());
  return {};
}

}  // namespace framelift
