// The learning rate over time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace framelift {

struct Schedule {
  double learning_rate = 1e-4;  // the highest
  double final_rate = 0;        // cosine: where it ends
  bool cosine = false;          // half a cosine from the highest to the last step (Loshchilov & Hutter, 2017)
  int64_t warm_up_steps = 0;    // linear from first_rate to the highest over the first steps
  double first_rate = 0;        // before the first step
};

// For step 0, 1, ... of `total` in all; afterwards as at the last.
inline double learning_rate_at(const Schedule& s, int64_t step, int64_t total) {
  if (step < s.warm_up_steps)
    return s.first_rate +
           (s.learning_rate - s.first_rate) * static_cast<double>(step + 1) / static_cast<double>(s.warm_up_steps);
  if (!s.cosine) return s.learning_rate;
  const auto span = static_cast<double>(std::max<int64_t>(total - s.warm_up_steps - 1, 1));
  const double progress = std::min(static_cast<double>(step - s.warm_up_steps) / span, 1.0);
  return s.final_rate + (s.learning_rate - s.final_rate) * (1 + std::cos(std::numbers::pi * progress)) / 2;
}

}  // namespace framelift
