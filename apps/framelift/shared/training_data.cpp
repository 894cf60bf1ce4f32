#include "apps/framelift/shared/training_data.h"

#include "base/log.h"
#include "train/data/clip_frames.h"
#include "train/data/frame_vectors.h"
#include "train/data/paired_folders.h"

namespace framelift {
namespace {

Result<std::unique_ptr<Dataset>> open_pairs(const std::string& folder, const PictureNeeds& needs) {
  FL_TRY(const PairFolders folders, find_pair_folders(folder));
  PairRules rules;
  rules.scale_hdr = needs.scale_hdr;
  rules.minimum_side = needs.minimum_side;
  FL_TRY(auto pairs, PairedFolders::open(folders, rules));
  std::string left_out;
  for (const PairProblem problem : pair_problems)
    if (const size_t count = pairs->count(problem)) left_out += fmt::format(", {} {}", count, to_string(problem));
  log::info("{}: {} pairs{}", folder, pairs->size(), left_out);
  return std::unique_ptr<Dataset>(std::move(pairs));
}

}  // namespace

Result<std::unique_ptr<Dataset>> open_training_pictures(const std::vector<std::string>& paths,
                                                        const PictureNeeds& needs) {
  std::unique_ptr<Dataset> pictures;
  if (needs.teacher) {
    FL_TRY(pictures, ClipDataset::open(paths, needs.frames, needs.teacher->contract.input_color));
  } else {
    FL_TRY(pictures, open_pairs(paths.front(), needs));
  }
  if (!needs.from || !needs.from->contract.frame_reduction) return pictures;
  const int edge = 16 * needs.from->contract.alignment;
  FL_TRY(const Graph graph, needs.from->build_frame_graph(1, edge, edge));
  FL_TRY(Backend * engine, find_backend("auto", graph, {}));
  return std::make_unique<WithFrameVectors>(std::move(pictures), *needs.from, *engine);
}

}  // namespace framelift
