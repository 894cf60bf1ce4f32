// Which samples train and which validate.
#pragma once

#include <cstdint>
#include <vector>

#include "train/data/dataset.h"

namespace framelift {

// Indices into the dataset, ascending.
struct DatasetSplit {
  std::vector<size_t> training, validation;
};

// A sample's side depends on its name and the seed alone, so that it stays on its side when others come or go: training
// that goes on with more data is never validated on what it was trained with. The share is therefore that of a random
// draw, not exact. Of two samples or more at least one lands on either side (share 0: all train); only the sample moved
// for that depends on the others.
DatasetSplit split_dataset(const Dataset& dataset, double validation_share = 0.2, uint64_t seed = 42);

}  // namespace framelift
