#include "postprocess/mask/probabilities.h"

#include <algorithm>
#include <cmath>

namespace framelift {
namespace {

struct Planes {
  float* data;
  int64_t count, pixels;
  float& at(int64_t plane, int64_t pixel) const { return data[plane * pixels + pixel]; }
};

Planes planes_of(const TensorView& tensor) {
  return {tensor.as<float>(), tensor.shape[1], tensor.shape[2] * tensor.shape[3]};
}

int64_t largest(const Planes& planes, int64_t pixel) {
  int64_t best = 0;
  for (int64_t c = 1; c < planes.count; ++c)
    if (planes.at(c, pixel) > planes.at(best, pixel)) best = c;
  return best;
}

void softmax(const Planes& planes, int64_t pixel) {
  const float top = planes.at(largest(planes, pixel), pixel);
  float sum = 0;
  for (int64_t c = 0; c < planes.count; ++c) sum += planes.at(c, pixel) = std::exp(planes.at(c, pixel) - top);
  for (int64_t c = 0; c < planes.count; ++c)
    planes.at(c, pixel) = std::isfinite(sum) ? planes.at(c, pixel) / sum : 1 / static_cast<float>(planes.count);
}

}  // namespace

void to_probabilities(const TensorView& output, OutputKind kind, const Region& region,
                      const TensorView& probabilities) {
  const int64_t height = output.shape[2], width = output.shape[3];
  const Planes to = planes_of(probabilities);
  const bool two = kind == OutputKind::probability;
  for (int64_t c = 0; c < output.shape[1]; ++c)
    for (int y = 0; y < region.height; ++y)
      std::copy_n(output.as<float>() + (c * height + region.y + y) * width + region.x, region.width,
                  &to.at(two ? 1 : c, int64_t{y} * region.width));
  for (int64_t i = 0; i < to.pixels; ++i) {
    if (!two) {
      softmax(to, i);
      continue;
    }
    const float p = to.at(1, i);
    to.at(1, i) = p >= 0 ? std::min(p, 1.0f) : p < 0 ? 0.0f : 0.5f;
    to.at(0, i) = 1 - to.at(1, i);
  }
}

void most_probable(const TensorView& probabilities, std::vector<uint8_t>& labels) {
  const Planes planes = planes_of(probabilities);
  labels.resize(static_cast<size_t>(planes.pixels));
  for (int64_t i = 0; i < planes.pixels; ++i) labels[static_cast<size_t>(i)] = static_cast<uint8_t>(largest(planes, i));
}

void RegionCleaner::run(const TensorView& probabilities) {
  if (min_pixels_ <= 1) return;
  const Planes planes = planes_of(probabilities);
  const auto height = static_cast<int>(probabilities.shape[2]), width = static_cast<int>(probabilities.shape[3]);
  most_probable(probabilities, labels_);
  visited_.assign(labels_.size(), 0);
  neighbours_.resize(static_cast<size_t>(planes.count));
  for (int seed = 0; seed < height * width; ++seed) {
    if (visited_[static_cast<size_t>(seed)]) continue;
    const uint8_t label = labels_[static_cast<size_t>(seed)];
    region_.assign(1, seed);
    visited_[static_cast<size_t>(seed)] = 1;
    std::ranges::fill(neighbours_, 0);
    for (size_t next = 0; next < region_.size(); ++next) {
      const int at = region_[next], x = at % width;
      const auto look = [&](bool inside, int other) {
        if (!inside) return;
        const auto o = static_cast<size_t>(other);
        if (labels_[o] != label) {
          ++neighbours_[labels_[o]];
        } else if (!visited_[o]) {
          visited_[o] = 1;
          region_.push_back(other);
        }
      };
      look(x > 0, at - 1);
      look(x + 1 < width, at + 1);
      look(at >= width, at - width);
      look(at + width < height * width, at + width);
    }
    if (static_cast<int>(region_.size()) >= min_pixels_) continue;
    const auto most = std::ranges::max_element(neighbours_);
    if (*most == 0) continue;  // the whole picture
    const int64_t other = most - neighbours_.begin();
    for (int pixel : region_) std::swap(planes.at(label, pixel), planes.at(other, pixel));
  }
}

}  // namespace framelift
