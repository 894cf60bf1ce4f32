// The arithmetic decoder of torchac 0.9.3 (Mentzer et al., 2019), whose streams HiNeRV's own program writes: 32-bit
// intervals, probabilities of 16 bits, after Witten, Neal and Cleary (1987).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace framelift {

// `count` symbols, each an index into the n that the cumulative distribution has: `cdf` holds n + 1 probabilities, from
// 0 upwards. A stream that ends early goes on with zero bits, as torchac reads it; any bytes decode to something.
// Errors: invalid_data when the distribution is none.
Result<std::vector<uint16_t>> decode_range_coded(std::span<const std::byte> bytes, std::span<const float> cdf,
                                                 size_t count, std::string_view name);

}  // namespace framelift
