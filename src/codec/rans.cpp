#include "codec/rans.h"

namespace framelift {

static_assert(std::endian::native == std::endian::little, "words are read and written in place");

void RansEncoder::put_raw(uint32_t value, int bits) {
  partial_byte_ = partial_byte_ << bits | (value & ((uint64_t{1} << bits) - 1));
  partial_bits_ += bits;
  for (; partial_bits_ >= 8; partial_bits_ -= 8)
    raw_.push_back(static_cast<std::byte>(partial_byte_ >> (partial_bits_ - 8)));
}

std::vector<std::byte> RansEncoder::finish() {
  std::vector<uint16_t> words;  // last first
  uint32_t state = rans_floor;
  for (size_t i = steps_.size(); i-- > 0;) {
    const uint32_t start = steps_[i] & (probability_one - 1), frequency = (steps_[i] >> probability_bits) + 1;
    if (state >= uint64_t{frequency} << (32 - probability_bits)) {
      words.push_back(static_cast<uint16_t>(state));
      state >>= 16;
    }
    state = ((state / frequency) << probability_bits) + state % frequency + start;
  }
  words.push_back(static_cast<uint16_t>(state >> 16));
  words.push_back(static_cast<uint16_t>(state));
  std::ranges::reverse(words);
  if (partial_bits_ > 0) put_raw(0, 8 - partial_bits_);

  std::vector<std::byte> bytes(2 * words.size());
  std::memcpy(bytes.data(), words.data(), bytes.size());
  bytes.insert(bytes.end(), raw_.rbegin(), raw_.rend());
  return bytes;
}

// The windows of raw bits are little-endian words whose top byte is the one that comes first.
RansDecoder::RansDecoder(std::span<const std::byte> bytes)
    : size_(bytes.size()), padded_(bytes.size() + 2 * pad), last_word_(size_ + pad + 2), raw_end_(size_) {
  std::ranges::copy(bytes, padded_.begin() + pad);
  std::memcpy(&state_, padded_.data() + next_word_, sizeof state_);
  next_word_ += sizeof state_;
}

bool RansDecoder::finished() const {
  if (used() != size_ || state_ != rans_floor) return false;
  const size_t unread = (8 - raw_bits_ % 8) % 8;
  return unread == 0 || std::to_integer<unsigned>(padded_[next_word_]) % (1u << unread) == 0;
}

}  // namespace framelift
