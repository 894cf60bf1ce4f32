// The data sets of `framelift train`.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "train/data/dataset.h"

namespace framelift {

// Pairs of pictures under one folder. Targets in linear light are divided by `scale_hdr`; pairs with a side below
// `minimum_side` pixels are left out.
Result<std::unique_ptr<Dataset>> open_paired_dataset(const std::filesystem::path& folder, double scale_hdr,
                                                     int minimum_side);

}  // namespace framelift
