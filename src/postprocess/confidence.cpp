#include "postprocess/confidence.h"

#include <algorithm>
#include <cmath>

namespace framelift {
namespace {

// Largest component of pixel i; NaN when one is.
float largest(const TensorView& rgb, int64_t i, int64_t pixels) {
  float result = 0;
  for (int64_t c = 0; c < 3; ++c) {
    const float v = rgb.as<float>()[c * pixels + i];
    if (!(v <= result)) result = v;
    if (std::isnan(result)) break;
  }
  return result;
}

}  // namespace

void expansion_confidence(const TensorView& input, const TensorView& output, const TensorView& confidence,
                          const ConfidenceScale& scale) {
  const int64_t pixels = input.shape[2] * input.shape[3];
  for (int64_t i = 0; i < pixels; ++i) {
    const float before = largest(input, i, pixels), after = largest(output, i, pixels);
    float& result = confidence.as<float>()[i];
    result = 0;
    if (!std::isfinite(before) || !std::isfinite(after)) continue;
    const float clipped = std::clamp((before - scale.knee) / (1 - scale.knee), 0.0f, 1.0f);
    const float added = std::abs(std::log2((after + scale.floor) / (before + scale.floor)));
    result = 1 / (1 + (scale.trust + (1 - scale.trust) * clipped) * added);
  }
}

}  // namespace framelift
