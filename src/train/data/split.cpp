#include "train/data/split.h"

#include <algorithm>

#include "train/data/random_stream.h"

namespace framelift {

DatasetSplit split_dataset(const Dataset& dataset, double validation_share, uint64_t seed) {
  DatasetSplit split;
  std::vector<double> draws(dataset.size());
  for (size_t i = 0; i < draws.size(); ++i) {
    draws[i] = RandomStream{seed, key_of(dataset.name(i))}.uniform();
    (draws[i] < validation_share ? split.validation : split.training).push_back(i);
  }
  if (draws.size() < 2 || validation_share <= 0) return split;
  // The one closest to the other side.
  const auto by_draw = [&](size_t a, size_t b) { return draws[a] < draws[b]; };
  const auto move_one = [](std::vector<size_t>& from, std::vector<size_t>& to, auto which) {
    to.push_back(*which);
    from.erase(which);
  };
  if (split.validation.empty())
    move_one(split.training, split.validation, std::ranges::min_element(split.training, by_draw));
  else if (split.training.empty())
    move_one(split.validation, split.training, std::ranges::max_element(split.validation, by_draw));
  return split;
}

}  // namespace framelift
