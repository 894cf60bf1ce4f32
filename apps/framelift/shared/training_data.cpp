#include "apps/framelift/shared/training_data.h"

#include "base/log.h"
#include "train/data/paired_folders.h"

namespace framelift {

Result<std::unique_ptr<Dataset>> open_paired_dataset(const std::filesystem::path& folder, double scale_hdr,
                                                     int minimum_side) {
  FL_TRY(const PairFolders folders, find_pair_folders(folder));
  PairRules rules;
  rules.scale_hdr = scale_hdr;
  rules.minimum_side = minimum_side;
  FL_TRY(auto pairs, PairedFolders::open(folders, rules));
  std::string left_out;
  for (const PairProblem problem : pair_problems)
    if (const size_t count = pairs->count(problem)) left_out += fmt::format(", {} {}", count, to_string(problem));
  log::info("{}: {} pairs{}", folder.string(), pairs->size(), left_out);
  return std::unique_ptr<Dataset>(std::move(pairs));
}

}  // namespace framelift
