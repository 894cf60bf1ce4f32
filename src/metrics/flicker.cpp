#include "metrics/flicker.h"

#include <algorithm>
#include <cmath>

namespace framelift {

void FlickerMeter::add(double source_nits, double result_nits, bool cut) {
  if (cut) length_ = 0;
  if (!(source_nits >= darkest_nits)) {
    length_ = 0;
    return;
  }
  const auto place = [](int64_t t) { return static_cast<size_t>(t % window); };
  shot_[place(length_)] = {std::log(source_nits), std::log(std::max(result_nits, darkest_nits / 100))};
  if (++length_ < window) return;

  Frame mean;
  for (const Frame& f : shot_) {
    mean.source += f.source / window;
    mean.result += f.result / window;
  }
  const Frame& middle = shot_[place(length_ - 1 - radius)];
  const double source = middle.source - mean.source, result = middle.result - mean.result;
  sum_source_ += source * source;
  sum_result_ += result * result;
  sum_added_ += (result - source) * (result - source);
  ++judged_;
}

FlickerScore FlickerMeter::score() const {
  if (judged_ == 0) return {};
  const auto percent = [&](double sum) { return 100 * std::sqrt(sum / static_cast<double>(judged_)); };
  return {percent(sum_added_), percent(sum_source_), percent(sum_result_), judged_};
}

}  // namespace framelift
