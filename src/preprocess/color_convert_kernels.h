// Row kernel of ColorConverter and ToneMapper, dispatched at run time to the best instruction set of the machine.
// Multiplications and additions are never fused and every lane is computed alike: a pixel's bits depend neither on the
// instruction set's width nor on its place in the row.
#pragma once

#include <cstddef>
#include <cstdint>

namespace framelift {

struct ColorCurve {
  enum class Kind : uint8_t { linear, power, srgb, pq, hlg };
  Kind kind = Kind::linear;
  float exponent = 1;  // of Kind::power, in the direction it is used
};

// signal -> decode -> * decoded_scale, at most brightest -> OOTF -> gain -> matrix -> desaturation -> inverse OOTF
// -> * encoded_scale -> encode -> clamp. Light is in units of SDR white or of the HDR display's peak.
struct ColorPlan {
  ColorCurve decode, encode;
  float decoded_scale = 1, encoded_scale = 1;
  float brightest = 0;  // of decoded light, and darkest is 0; 0: neither
  // Exponents of luminance (BT.2020) that all components are multiplied by; 0: none.
  float ootf = 0, inverse_ootf = 0;
  bool mix = false;
  float matrix[3][3] = {};
  // Tone mapping (color/tone_map.h): the gain for the largest component x at x^(1/4) = 0, 1 / gain_steps .. 1, of which
  // there are gain_steps + 1, interpolated linearly; null: none. bend: 0: no desaturation.
  const float* gain = nullptr;
  int gain_steps = 0;
  float desaturation_bend = 0;
  float lowest = 0, highest = 1;  // of the result
};

// Converts n pixels in place. NaN becomes black.
void convert_color_row(const ColorPlan& plan, size_t n, float* const (&rgb)[3]);

}  // namespace framelift
