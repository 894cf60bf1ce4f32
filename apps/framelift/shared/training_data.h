// The data sets of `framelift train`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/network.h"
#include "train/data/dataset.h"

namespace framelift {

struct PictureNeeds {
  const Network* from = nullptr;     // what training begins with; must outlive the data, as the next
  const Network* teacher = nullptr;  // then the paths are clips and pictures, else one folder of pairs
  int frames = 100;                  // out of all clips
  double scale_hdr = 4;              // targets in linear light are divided by this
  int minimum_side = 1;              // in pixels: smaller pairs are left out
};

// Pictures with all that the network takes. Errors: those of PairedFolders and ClipDataset.
Result<std::unique_ptr<Dataset>> open_training_pictures(const std::vector<std::string>& paths,
                                                        const PictureNeeds& needs);

}  // namespace framelift
