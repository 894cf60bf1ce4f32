// Entropy coding with a range variant of asymmetric numeral systems (Duda, "Asymmetric numeral systems", 2013,
// arXiv:1311.2540): one 32-bit state, 15-bit probabilities, 16-bit words; and beside it bits without a model. Integers
// only: the same bytes decode to the same symbols on every machine.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace framelift {

inline constexpr int probability_bits = 15;
inline constexpr uint32_t probability_one = 1u << probability_bits;
inline constexpr uint32_t rans_floor = 1u << 16;  // between steps the state is in [rans_floor, 2^32)
inline constexpr int max_raw_bits = 32;

// Symbols are written as intervals [start, start + frequency) of [0, probability_one), frequency >= 1, in the order in
// which they will be read. The code runs backwards, so steps are kept (4 bytes each) until finish().
class RansEncoder {
 public:
  void put(uint32_t start, uint32_t frequency) { steps_.push_back(start | (frequency - 1) << probability_bits); }
  // The low `bits` (0 to max_raw_bits) of `value`, as they are.
  void put_raw(uint32_t value, int bits);

  // State and words from the front, raw bits from the back. The encoder is not used afterwards.
  std::vector<std::byte> finish();

 private:
  std::vector<uint32_t> steps_;
  std::vector<std::byte> raw_;  // first byte first
  uint64_t partial_byte_ = 0;
  int partial_bits_ = 0;
};

// What a RansEncoder would write, without writing it. Integer arithmetic, so that choices made by it are the same
// everywhere.
class RansCost {
 public:
  void put(uint32_t, uint32_t frequency) {
    product_ *= frequency;
    const int excess = static_cast<int>(std::bit_width(product_)) - 33;
    product_ >>= excess;
    bits_ += probability_bits - excess;
  }
  void put_raw(uint32_t, int bits) { bits_ += bits; }
  int64_t bits() const { return bits_; }

 private:
  uint64_t product_ = uint64_t{1} << 32;  // of the probabilities, as a mantissa of 33 bits
  int64_t bits_ = 0;
};

// Reads what RansEncoder wrote. Any bytes may be given: what lies beyond them reads as something, damaged() says so,
// and nothing outside them is touched. Copies the bytes.
class RansDecoder {
 public:
  explicit RansDecoder(std::span<const std::byte> bytes);

  // Where in [0, probability_one) the next symbol's interval lies; skip() that interval next.
  uint32_t slot() const { return state_ & (probability_one - 1); }
  void skip(uint32_t start, uint32_t frequency) {
    state_ = frequency * (state_ >> probability_bits) + slot() - start;
    uint16_t word;
    std::memcpy(&word, padded_.data() + next_word_, sizeof word);
    const bool refill = state_ < rans_floor;  // taken at random: written to become conditional moves
    state_ = refill ? state_ << 16 | word : state_;
    next_word_ = std::min(next_word_ + (refill ? 2 : 0), last_word_);
  }
  uint32_t raw(int bits) {  // 1 to max_raw_bits
    uint64_t window;
    std::memcpy(&window, padded_.data() + raw_end_ - std::min(raw_bits_ / 8, size_), sizeof window);
    const uint64_t value = window << raw_bits_ % 8 >> (64 - bits);
    raw_bits_ += static_cast<size_t>(bits);
    return static_cast<uint32_t>(value);
  }

  // More was read than there is.
  bool damaged() const { return used() > size_; }
  // Everything was read, the state is the one the encoder began with, and zeros fill the last byte of raw bits.
  bool finished() const;

 private:
  static constexpr size_t pad = 8;  // on both sides: reads near the ends need no further check

  size_t used() const { return next_word_ - pad + (raw_bits_ + 7) / 8; }

  size_t size_;
  std::vector<std::byte> padded_;
  size_t next_word_ = pad, last_word_;  // within padded_
  size_t raw_end_;                      // of the 8 bytes that hold the first raw bits
  size_t raw_bits_ = 0;                 // read so far
  uint32_t state_;
};

}  // namespace framelift
