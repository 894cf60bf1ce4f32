#include "codec/value_model.h"

#include <algorithm>

namespace framelift {

// To begin with, as if 16 values had been seen, their magnitudes falling linearly from 0 to the largest: near enough to
// weights scaled by their maximum.
ValueModel::ValueModel(const ValueCoding& coding, int bits) : tokens_{coding.precision} {
  const uint64_t largest = uint64_t{1} << (bits - 1);
  const int symbols = token_count(coding.precision, bits);
  std::array<uint32_t, AdaptiveModel::max_symbols> counts{};
  for (int token = 0; token < symbols; ++token) {
    const auto t = static_cast<size_t>(token);
    low_bits_[t] = static_cast<uint8_t>(tokens_.low_bits(token));
    base_[t] = static_cast<uint16_t>(tokens_.base(token));
    const uint64_t density = 2 * 16 * AdaptiveModel::seen_weight * (largest - base_[t]);
    counts[t] = static_cast<uint32_t>(std::max<uint64_t>(1, (density << low_bits_[t]) / (largest * largest)));
  }
  models_.resize(coding.classes ? line_classes : 1);
  for (AdaptiveModel& model : models_) model.reset(std::span(counts).first(static_cast<size_t>(symbols)));
}

}  // namespace framelift
