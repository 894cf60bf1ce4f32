// Exact fractions for time bases, frame rates and sample aspect ratios.
#pragma once

#include <cstdint>

namespace framelift {

struct Rational {
  int64_t num = 0;
  int64_t den = 1;

  double value() const { return den == 0 ? 0.0 : static_cast<double>(num) / static_cast<double>(den); }
  friend bool operator==(const Rational& a, const Rational& b) { return a.num * b.den == b.num * a.den; }
};

}  // namespace framelift
