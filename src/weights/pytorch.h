// PyTorch checkpoints (.pth, .pt, .ckpt): torch.save's zip container and its older bare-pickle stream, as data only.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"
#include "weights/weight_file.h"

namespace framelift {

// `name` opens error messages and becomes the result's path.
Result<WeightFile> parse_pytorch(std::span<const std::byte> bytes, std::string_view name);

}  // namespace framelift
