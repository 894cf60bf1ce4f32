// Weights that travel inside the program.
#pragma once

#include <cstddef>
#include <span>

namespace framelift {

// models/expand-small.safetensors, byte for byte.
std::span<const std::byte> expand_small_weights();

}  // namespace framelift
