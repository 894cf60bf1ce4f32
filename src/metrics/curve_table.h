// Curves as tables with linear interpolation, where a power function a pixel would take too long.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace framelift {

// A curve over 0..1 in `steps` equal steps.
class CurveTable {
 public:
  template <class Curve>
  CurveTable(int steps, const Curve& curve) : steps_(steps), samples_(static_cast<size_t>(steps) + 2) {
    for (int i = 0; i <= steps; ++i) samples_[static_cast<size_t>(i)] = curve(static_cast<double>(i) / steps);
    samples_.back() = samples_[static_cast<size_t>(steps)];
  }

  // Clamps x to 0..1; NaN counts as 0.
  double operator()(float x) const {
    const double at = (x > 0 ? (x < 1 ? static_cast<double>(x) : 1) : 0) * steps_;
    const auto i = static_cast<size_t>(at);
    return samples_[i] + (at - static_cast<double>(i)) * (samples_[i + 1] - samples_[i]);
  }

 private:
  double steps_;
  std::vector<double> samples_;
};

// A curve over 2^first_octave..2^end_octave, every octave in 1024 equal steps: the steps are as fine as the numbers are
// small. A float's bits are octave and place in it already.
class OctaveTable {
 public:
  template <class Curve>
  OctaveTable(int first_octave, int end_octave, const Curve& curve)
      : first_(std::bit_cast<uint32_t>(power_of_two(first_octave)) >> shift),
        lowest_(power_of_two(first_octave)),
        highest_(power_of_two(end_octave)),
        samples_((static_cast<size_t>(end_octave - first_octave) << step_bits) + 2) {
    for (size_t i = 0; i < samples_.size(); ++i)
      samples_[i] = curve(std::bit_cast<float>((first_ + static_cast<uint32_t>(i)) << shift));
  }

  // Clamps x to the table's range; NaN counts as its lower end.
  double operator()(double x) const {
    auto y = static_cast<float>(x);
    if (!(y > lowest_)) y = lowest_;
    if (y > highest_) y = highest_;
    const auto bits = std::bit_cast<uint32_t>(y);
    const size_t i = (bits >> shift) - first_;
    const double part = static_cast<double>(bits & ((1u << shift) - 1)) / (1u << shift);
    return samples_[i] + part * (samples_[i + 1] - samples_[i]);
  }

 private:
  static constexpr int step_bits = 10, shift = 23 - step_bits;
  static float power_of_two(int octave) { return std::bit_cast<float>(static_cast<uint32_t>(octave + 127) << 23); }

  uint32_t first_;
  float lowest_, highest_;
  std::vector<double> samples_;
};

}  // namespace framelift
