// Probabilities of symbols, learned while they are coded: encoder and decoder count alike, so nothing is transmitted.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "codec/rans.h"

namespace framelift {

// Up to 256 symbols. Counts follow every symbol; probabilities follow the counts in steps that grow with what has been
// seen, since making them costs more than using them.
class AdaptiveModel {
 public:
  static constexpr int max_symbols = 256;

  // Starts with these counts, each at least 1; a symbol seen adds `seen_weight`.
  void reset(std::span<const uint32_t> counts);

  template <class Encoder>
  void encode(Encoder& encoder, int symbol) {
    const auto s = static_cast<size_t>(symbol);
    encoder.put(starts_[s], starts_[s + 1] - starts_[s]);
    count(s);
  }

  int decode(RansDecoder& decoder) {
    const uint32_t slot = decoder.slot();
    size_t s = guesses_[slot >> guess_shift];
    while (starts_[s + 1] <= slot) ++s;
    decoder.skip(starts_[s], starts_[s + 1] - starts_[s]);
    count(s);
    return static_cast<int>(s);
  }

  static constexpr uint32_t seen_weight = 32;

 private:
  static constexpr int guess_shift = 6;

  void count(size_t symbol) {
    counts_[symbol] += seen_weight;
    if (--until_update_ == 0) update();
  }
  void update();

  std::array<uint32_t, max_symbols + 1> starts_{};  // of the symbols' intervals; the last is probability_one
  std::array<uint8_t, (probability_one >> guess_shift)> guesses_{};  // the symbol at the start of each 64 slots
  std::array<uint32_t, max_symbols> counts_{};
  size_t symbols_ = 0;
  uint32_t until_update_ = 0;
  uint32_t seen_ = 0;  // since reset(), up to the last update
};

}  // namespace framelift
