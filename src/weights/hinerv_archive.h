// The compressed networks (Q6.zip, Q8.zip) that HiNeRV's own program writes (commit fdb92ec): a zip file with one
// arithmetic-coded stream per tensor, and a checkpoint with their tables, scales and what is not coded.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"
#include "weights/weight_file.h"
#include "weights/zip_archive.h"

namespace framelift {

// Whether a zip file looks like one.
bool is_hinerv_archive(const ZipArchive& archive);

// The network's weights, dequantised to float32 as the authors' program does, pruned ones zero; under plain names
// ("decoder.stem.conv.weight"). `name` opens error messages and becomes the result's path. Errors: invalid_data,
// unsupported (a variant that is not known).
Result<WeightFile> parse_hinerv_archive(std::span<const std::byte> bytes, std::string_view name);

}  // namespace framelift
