#include "train/data/tile.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "frame/chroma.h"

namespace framelift {
namespace {

// The tile's place on one axis of the scaled input, in pixels.
struct Span {
  int source = 0;  // the axis before scaling
  int scaled = 0;
  int begin = 0, count = 0;  // begin + count may lie beyond `scaled`
  bool mirror = false;
  // Beyond the end: reflection that repeats the last pixel, or one that does not.
  bool repeat_edge = false;

  // The same place of a picture that is k times larger.
  Span times(int k) const { return {source * k, scaled * k, begin * k, count * k, mirror, repeat_edge}; }
  int pixel(int position) const {
    return repeat_edge ? std::min(position % (2 * scaled), 2 * scaled - 1 - position % (2 * scaled))
                       : reflect(position, scaled);
  }
};

Span place(int64_t source, double scale, double where, int tile, bool mirror, bool repeat_edge) {
  Span span{static_cast<int>(source), 0, 0, tile, mirror, repeat_edge};
  span.scaled = std::max(1, static_cast<int>(std::lround(static_cast<double>(source) * scale)));
  const int room = std::max(0, span.scaled - tile);
  span.begin = std::min(room, static_cast<int>(where * (room + 1)));
  return span;
}

// Output sample = (1 - weight) source[first] + weight source[second].
struct Tap {
  int first, second;
  float weight;
};

std::vector<Tap> taps(const Span& span) {
  std::vector<Tap> result(static_cast<size_t>(span.count));
  const double step = static_cast<double>(span.source) / span.scaled;
  for (int i = 0; i < span.count; ++i) {
    const int position = span.pixel(span.begin + (span.mirror ? span.count - 1 - i : i));
    const double at = std::clamp((position + 0.5) * step - 0.5, 0.0, static_cast<double>(span.source - 1));
    const int first = static_cast<int>(at);
    result[static_cast<size_t>(i)] = {first, std::min(first + 1, span.source - 1), static_cast<float>(at - first)};
  }
  return result;
}

float mix(float a, float b, float weight) { return a + weight * (b - a); }

void cut(const Tensor& picture, const Span& x, const Span& y, float* out) {
  const int64_t height = picture.shape()[2], width = picture.shape()[3];
  const std::vector<Tap> columns = taps(x), rows = taps(y);
  for (int64_t channel = 0; channel < 3; ++channel) {
    const float* plane = picture.as<float>() + channel * height * width;
    for (const Tap& row : rows) {
      const float* above = plane + row.first * width;
      const float* below = plane + row.second * width;
      for (const Tap& c : columns)
        *out++ = mix(mix(above[c.first], above[c.second], c.weight), mix(below[c.first], below[c.second], c.weight),
                     row.weight);
    }
  }
}

}  // namespace

Result<int> target_scale(const Sample& sample) {
  const auto is_picture = [](const Tensor& t) {
    return !t.empty() && t.dtype() == DType::f32 && t.shape().rank() == 4 && t.shape()[0] == 1 && t.shape()[1] == 3 &&
           t.elements() > 0;
  };
  if (is_picture(sample.input) && sample.target.empty()) return 0;
  if (!is_picture(sample.input) || !is_picture(sample.target))
    return fail(ErrorCode::invalid_data, "{}: is not a pair of pictures: {} and {}", sample.name,
                to_string(sample.input.shape()), to_string(sample.target.shape()));
  const int64_t height = sample.input.shape()[2], width = sample.input.shape()[3];
  const int64_t scale = sample.target.shape()[3] / width;
  if (scale < 1 || sample.target.shape()[3] != scale * width || sample.target.shape()[2] != scale * height)
    return fail(ErrorCode::invalid_data,
                "{}: the target of {}x{} is not a whole number of times as large as the input of {}x{}", sample.name,
                sample.target.shape()[3], sample.target.shape()[2], width, height);
  return static_cast<int>(scale);
}

void cut_tile(const Sample& sample, const TileChoice& choice, int tile, float* input, float* target) {
  const bool alone = sample.target.empty();
  const int k = alone ? 0 : static_cast<int>(sample.target.shape()[3] / sample.input.shape()[3]);
  const Span x = place(sample.input.shape()[3], choice.scale, choice.x, tile, choice.mirror_x, k > 1);
  const Span y = place(sample.input.shape()[2], choice.scale, choice.y, tile, choice.mirror_y, k > 1);
  cut(sample.input, x, y, input);
  if (!alone) cut(sample.target, x.times(k), y.times(k), target);
}

}  // namespace framelift
