// Exact fractions for time bases, frame rates and sample aspect ratios.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace framelift {

struct Rational {
  int64_t num = 0;
  int64_t den = 1;

  double value() const { return den == 0 ? 0.0 : static_cast<double>(num) / static_cast<double>(den); }
  friend bool operator==(const Rational& a, const Rational& b) { return a.num * b.den == b.num * a.den; }
};

// `count` times `from` in units of `to`, to the nearest, halves away from zero; the ends of the range stand for what is
// beyond them. Terms of both are above 0 and below 2^31.
inline int64_t rescale(int64_t count, Rational from, Rational to) {
  const auto numerator = static_cast<__int128>(count) * from.num * to.den;
  const auto denominator = static_cast<__int128>(from.den) * to.num;
  const __int128 half = numerator < 0 ? -denominator / 2 : denominator / 2;
  const __int128 nearest = (numerator + half) / denominator;
  return static_cast<int64_t>(std::clamp<__int128>(nearest, INT64_MIN, INT64_MAX));
}

// The last convergent of the continued fraction of `value`, above 0, whose terms are at most `limit`.
inline Rational nearest_rational(double value, int64_t limit) {
  Rational before{0, 1}, found{1, 0};
  for (;;) {
    const double whole = std::floor(value);
    const double num = whole * static_cast<double>(found.num) + static_cast<double>(before.num);
    const double den = whole * static_cast<double>(found.den) + static_cast<double>(before.den);
    if (num > static_cast<double>(limit) || den > static_cast<double>(limit)) return found;
    before = found;
    found = {static_cast<int64_t>(num), static_cast<int64_t>(den)};
    if (value - whole < 1e-6) return found;  // what single precision holds of such fractions
    value = 1 / (value - whole);
  }
}

}  // namespace framelift
