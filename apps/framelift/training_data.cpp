#include "apps/framelift/training_data.h"

namespace framelift {

Result<std::unique_ptr<Dataset>> open_paired_dataset(const std::filesystem::path& folder, double, int) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    return fail(ErrorCode::not_found, "{}: no such folder; check --data and --val", folder.string());
  return fail(ErrorCode::unsupported, "{}: data sets of picture files are not in this build; update framelift",
              folder.string());
}

}  // namespace framelift
