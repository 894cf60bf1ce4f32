// safetensors: u64 header length, JSON header, raw little-endian tensors. framelift's own weight format and others'.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frame/tensor.h"
#include "weights/weight_file.h"

namespace framelift {

// `name` opens error messages and becomes the result's path. Strict, as the format's own library: every byte of the
// data belongs to exactly one tensor.
Result<WeightFile> parse_safetensors(std::span<const std::byte> bytes, std::string_view name);

struct NamedTensor {
  std::string name;
  const Tensor* tensor = nullptr;
};

// Writes tensors in the given order to a temporary file beside `path`, then renames it: readers see the old file or the
// whole new one. On failure nothing is left behind.
Status write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                         const std::map<std::string, std::string>& metadata);

}  // namespace framelift
