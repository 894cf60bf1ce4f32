// Random numbers that are the same on every machine and in every thread: a stream is chosen by keys (a seed, an epoch,
// a position), not by who draws when.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <numbers>
#include <string_view>

namespace framelift {

// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014):
// a bijection under which neighbouring numbers have nothing in common.
constexpr uint64_t mix_bits(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// SplitMix64. std::uniform_real_distribution and the like differ between standard libraries, so draws are made here.
class RandomStream {
 public:
  // Streams with different keys, or the same keys in another order, are independent.
  constexpr RandomStream(std::initializer_list<uint64_t> keys) {
    for (const uint64_t key : keys) state_ = mix_bits(state_ + golden_ratio + mix_bits(key + golden_ratio));
  }

  constexpr uint64_t bits() { return mix_bits(state_ += golden_ratio); }
  // From [0, 1), in steps of 2^-53.
  constexpr double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  constexpr double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // From 0..count-1; count is at least 1. The bias is below count / 2^64.
  constexpr uint64_t below(uint64_t count) { return bits() % count; }
  constexpr bool chance(double probability) { return uniform() < probability; }
  // Mean 0, standard deviation 1 (Box and Muller, 1958).
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  static constexpr uint64_t golden_ratio = 0x9e3779b97f4a7c15u;
  uint64_t state_ = 0;
};

// A key from a text: FNV-1a, mixed.
constexpr uint64_t key_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return mix_bits(hash);
}

}  // namespace framelift
