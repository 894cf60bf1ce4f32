// How the whole numbers of a quantised tensor become symbols: the part that encoder and decoder share.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "codec/adaptive_model.h"

namespace framelift {

// Magnitudes as tokens and uncoded low bits. Below 2^(precision+1) each has a token of its own; above, each octave is
// cut into 2^precision tokens.
struct Tokens {
  int precision = 3;

  int token(uint32_t magnitude) const {
    const int low_bits = low_bits_of_magnitude(magnitude);
    return static_cast<int>((magnitude >> low_bits) + (static_cast<uint32_t>(low_bits) << precision));
  }
  int low_bits_of_magnitude(uint32_t magnitude) const {
    const int excess = std::bit_width(magnitude) - precision - 1;
    return excess > 0 ? excess : 0;
  }
  int low_bits(int token) const {
    const int octave = token >> precision;
    return octave > 1 ? octave - 1 : 0;
  }
  // The smallest magnitude of a token.
  uint32_t base(int token) const {
    const int bits = low_bits(token);
    return static_cast<uint32_t>(token - (bits << precision)) << bits;
  }
};

// What the encoder chooses for each tensor.
struct ValueCoding {
  int precision = 3;     // 0..7, as far as token_count() allows
  bool classes = false;  // lines along the tensor's axis have one of line_classes models each
  int64_t lag = 0;       // values are coded as differences from the one `lag` before; 0: as they are
};

inline constexpr int line_classes = 7;

// At most AdaptiveModel::max_symbols are possible.
inline int token_count(int precision, int bits) { return Tokens{precision}.token(1u << (bits - 1)) + 1; }

// Codes the values of one tensor in order, one model per class. Needs a token_count() that is possible.
class ValueModel {
 public:
  ValueModel(const ValueCoding& coding, int bits);

  template <class Encoder>
  void encode(Encoder& encoder, int line_class, int residual) {
    const auto magnitude = static_cast<uint32_t>(residual < 0 ? -residual : residual);
    const int token = tokens_.token(magnitude);
    models_[static_cast<size_t>(line_class)].encode(encoder, token);
    const int low_bits = tokens_.low_bits(token);
    const uint32_t low = magnitude & ((1u << low_bits) - 1);
    if (magnitude > 0) encoder.put_raw(low << 1 | (residual < 0 ? 1 : 0), low_bits + 1);
  }

  int decode(RansDecoder& decoder, int line_class) {
    const auto token = static_cast<size_t>(models_[static_cast<size_t>(line_class)].decode(decoder));
    if (token == 0) return 0;
    const uint32_t low = decoder.raw(low_bits_[token] + 1);
    const int magnitude = static_cast<int>(base_[token] + (low >> 1));
    return low & 1 ? -magnitude : magnitude;
  }

 private:
  Tokens tokens_;
  std::array<uint8_t, AdaptiveModel::max_symbols> low_bits_{};
  std::array<uint16_t, AdaptiveModel::max_symbols> base_{};
  std::vector<AdaptiveModel> models_;
};

// value mod 2^bits, as a signed number of that many bits: residuals and sums wrap around instead of needing one bit
// more.
inline int wrap(int value, int bits) {
  const int unused = 32 - bits;
  return static_cast<int>(static_cast<uint32_t>(value) << unused) >> unused;
}

}  // namespace framelift
