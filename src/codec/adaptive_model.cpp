#include "codec/adaptive_model.h"

#include <numeric>

namespace framelift {

void AdaptiveModel::reset(std::span<const uint32_t> counts) {
  symbols_ = counts.size();
  std::ranges::copy(counts, counts_.begin());
  seen_ = 0;
  until_update_ = 0;
  update();
}

// Interval j starts at j + floor(counts before j * (one - symbols) / all counts): every symbol keeps a frequency of at
// least 1, and the rounding errors spread.
void AdaptiveModel::update() {
  const auto counts = std::span(counts_).first(symbols_);
  uint64_t total = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  if (total >= uint64_t{1} << 30) {  // keeps 32 bits enough
    total = 0;
    for (uint32_t& c : counts) total += c = (c + 1) / 2;
  }
  uint64_t before = 0;
  size_t guess = 0;
  for (size_t j = 0; j < symbols_; ++j) {
    starts_[j] = static_cast<uint32_t>(j + before * (probability_one - symbols_) / total);
    before += counts[j];
  }
  starts_[symbols_] = probability_one;
  for (size_t j = 0; j < symbols_; ++j)
    for (; guess < guesses_.size() && guess << guess_shift < starts_[j + 1]; ++guess)
      guesses_[guess] = static_cast<uint8_t>(j);
  until_update_ = std::clamp<uint32_t>(seen_ / 8, 8, 512);
  seen_ += until_update_;
}

}  // namespace framelift
