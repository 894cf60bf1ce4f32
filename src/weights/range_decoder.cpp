#include "weights/range_decoder.h"

#include <algorithm>
#include <cmath>

namespace framelift {
namespace {

constexpr uint32_t whole = 1u << 16;  // probability 1
constexpr size_t max_symbols = 32767;
constexpr uint32_t half = 1u << 31, quarter = 1u << 30;

// Where each symbol's share of `whole` begins, and the end. Every symbol gets at least one part, so that none is
// impossible: the probabilities share what is left.
Result<std::vector<uint32_t>> integer_cdf(std::span<const float> cdf, std::string_view name) {
  if (cdf.size() < 2 || cdf.size() > max_symbols + 1)
    return fail(ErrorCode::invalid_data, "{}: damaged, a distribution of {} probabilities", name, cdf.size());
  const size_t symbols = cdf.size() - 1;
  std::vector<uint32_t> begins;
  for (size_t i = 0; i < symbols; ++i) {
    const float share = cdf[i] * static_cast<float>(whole - symbols);  // in float, as it was written
    const bool in_order = std::isfinite(share) && share >= 0 && share <= static_cast<float>(whole - symbols);
    const auto begin = in_order ? static_cast<uint32_t>(std::nearbyint(share)) + static_cast<uint32_t>(i) : 0;
    if (!in_order || begin >= whole || (begins.empty() ? begin != 0 : begin <= begins.back()))
      return fail(ErrorCode::invalid_data, "{}: damaged, its probabilities are not in order", name);
    begins.push_back(begin);
  }
  begins.push_back(whole);
  return begins;
}

// Most significant bit first, zeros past the end.
class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  uint32_t next() {
    const size_t byte = position_ / 8, bit = 7 - position_ % 8;
    ++position_;
    return byte < bytes_.size() ? std::to_integer<uint32_t>(bytes_[byte]) >> bit & 1 : 0;
  }

 private:
  std::span<const std::byte> bytes_;
  size_t position_ = 0;
};

}  // namespace

Result<std::vector<uint16_t>> decode_range_coded(std::span<const std::byte> bytes, std::span<const float> cdf,
                                                 size_t count, std::string_view name) {
  FL_TRY(const std::vector<uint32_t> begins, integer_cdf(cdf, name));
  BitReader bits(bytes);
  uint32_t low = 0, high = UINT32_MAX, value = 0;
  for (int i = 0; i < 32; ++i) value = value << 1 | bits.next();

  std::vector<uint16_t> symbols(count);
  for (uint16_t& symbol : symbols) {
    const uint64_t span = uint64_t{high} - low + 1;
    const uint64_t position = ((uint64_t{value} - low + 1) * whole - 1) / span;  // below `whole`: value <= high
    const auto next = std::ranges::upper_bound(begins, position);
    symbol = static_cast<uint16_t>(next - begins.begin() - 1);
    high = low + static_cast<uint32_t>((span * *next >> 16) - 1);
    low += static_cast<uint32_t>(span * *(next - 1) >> 16);
    for (;;) {
      if (low >= half || high < half) {
        // The first bit is decided: it is shifted out below.
      } else if (low >= quarter && high < half + quarter) {
        low -= quarter;
        high -= quarter;
        value -= quarter;
      } else {
        break;
      }
      low <<= 1;
      high = high << 1 | 1;
      value = value << 1 | bits.next();
    }
  }
  return symbols;
}

}  // namespace framelift
