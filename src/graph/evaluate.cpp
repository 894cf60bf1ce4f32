#include "graph/evaluate.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "graph/op.h"

namespace framelift {
namespace {

void conv2d(const Conv2d& op, std::span<const TensorView> in, const TensorView& out) {
  const Shape &x = in[0].shape, &w = in[1].shape, &y = out.shape;
  const float* source = in[0].as<float>();
  const float* weight = in[1].as<float>();
  const float* bias = in.size() > 2 ? in[2].as<float>() : nullptr;
  const int64_t in_per_group = w[1], out_per_group = w[0] / op.groups;
  // One output row at a time, in double; the inner loop runs along x so that the compiler can vectorise it.
  std::vector<double> row(static_cast<size_t>(y[3]));
  for (int64_t n = 0; n < y[0]; ++n)
    for (int64_t oc = 0; oc < y[1]; ++oc)
      for (int64_t oy = 0; oy < y[2]; ++oy) {
        std::ranges::fill(row, bias ? double{bias[oc]} : 0.0);
        for (int64_t ic = 0; ic < in_per_group; ++ic)
          for (int64_t ky = 0; ky < w[2]; ++ky) {
            const int64_t iy = oy * op.stride[0] + ky * op.dilation[0] - op.pad.top;
            if (iy < 0 || iy >= x[2]) continue;
            const int64_t channel = oc / out_per_group * in_per_group + ic;
            const float* line = source + ((n * x[1] + channel) * x[2] + iy) * x[3];
            for (int64_t kx = 0; kx < w[3]; ++kx) {
              const double factor = weight[((oc * w[1] + ic) * w[2] + ky) * w[3] + kx];
              const int64_t shift = kx * op.dilation[1] - op.pad.left, stride = op.stride[1];
              const int64_t first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
              const int64_t last = std::min(y[3], (x[3] - shift + stride - 1) / stride);  // one past the end
              for (int64_t ox = first; ox < last; ++ox)
                row[static_cast<size_t>(ox)] += factor * double{line[ox * stride + shift]};
            }
          }
        float* target = out.as<float>() + ((n * y[1] + oc) * y[2] + oy) * y[3];
        for (int64_t ox = 0; ox < y[3]; ++ox) target[ox] = static_cast<float>(row[static_cast<size_t>(ox)]);
      }
}

void conv_transpose2d(const ConvTranspose2d& op, std::span<const TensorView> in, const TensorView& out) {
  const Shape &x = in[0].shape, &w = in[1].shape, &y = out.shape;
  std::vector<double> plane(static_cast<size_t>(y[2] * y[3]));
  for (int64_t n = 0; n < y[0]; ++n)
    for (int64_t oc = 0; oc < y[1]; ++oc) {
      std::ranges::fill(plane, in.size() > 2 ? double{in[2].as<float>()[oc]} : 0.0);
      for (int64_t ic = 0; ic < x[1]; ++ic)
        for (int64_t iy = 0; iy < x[2]; ++iy)
          for (int64_t ix = 0; ix < x[3]; ++ix) {
            const double value = in[0].as<float>()[((n * x[1] + ic) * x[2] + iy) * x[3] + ix];
            const float* kernel = in[1].as<float>() + (ic * w[1] + oc) * w[2] * w[3];
            for (int64_t ky = 0; ky < w[2]; ++ky)
              for (int64_t kx = 0; kx < w[3]; ++kx) {
                const int64_t oy = iy * op.stride[0] + ky - op.pad.top, ox = ix * op.stride[1] + kx - op.pad.left;
                if (oy < 0 || oy >= y[2] || ox < 0 || ox >= y[3]) continue;
                plane[static_cast<size_t>(oy * y[3] + ox)] += value * kernel[ky * w[3] + kx];
              }
          }
      std::ranges::transform(plane, out.as<float>() + (n * y[1] + oc) * y[2] * y[3],
                             [](double v) { return static_cast<float>(v); });
    }
}

template <class F>
void map(std::span<const TensorView> in, const TensorView& out, F f) {
  const float* x = in[0].as<float>();
  float* y = out.as<float>();
  for (int64_t i = 0, n = out.shape.elements(); i < n; ++i) y[i] = f(x[i]);
}

void prelu(std::span<const TensorView> in, const TensorView& out) {
  const Shape& s = out.shape;
  const float* x = in[0].as<float>();
  const float* slope = in[1].as<float>();
  float* y = out.as<float>();
  const int64_t plane = s.elements() / (s[0] * s[1]);
  for (int64_t nc = 0; nc < s[0] * s[1]; ++nc) {
    const float a = slope[in[1].shape[0] == 1 ? 0 : nc % s[1]];
    for (int64_t i = nc * plane; i < (nc + 1) * plane; ++i) y[i] = x[i] < 0 ? a * x[i] : x[i];
  }
}

void fake_quantize(const FakeQuantize& op, std::span<const TensorView> in, const TensorView& out) {
  const std::span<const float> scale = in[1].f32();
  const auto per_scale = out.f32().size() / scale.size();
  const auto low = static_cast<float>(op.low), high = static_cast<float>(op.high);
  for (size_t i = 0; i < out.f32().size(); ++i) {
    const float s = scale[i / per_scale];
    out.f32()[i] = std::clamp(std::nearbyint(in[0].f32()[i] / s), low, high) * s;
  }
}

template <class F>
void broadcast(std::span<const TensorView> in, const TensorView& out, F f) {
  const Shape& s = out.shape;
  const int rank = s.rank();
  // Strides of each operand along the output's axes; 0 where it is repeated.
  std::array<std::array<int64_t, Shape::max_rank>, 2> strides{};
  for (size_t k = 0; k < 2; ++k) {
    int64_t stride = 1;
    for (int i = 1; i <= in[k].shape.rank(); ++i) {
      strides[k][static_cast<size_t>(rank - i)] = in[k].shape[-i] == 1 ? 0 : stride;
      stride *= in[k].shape[-i];
    }
  }
  const float* a = in[0].as<float>();
  const float* b = in[1].as<float>();
  float* y = out.as<float>();
  std::array<int64_t, Shape::max_rank> index{};
  int64_t pa = 0, pb = 0;
  for (int64_t i = 0, n = s.elements(); i < n; ++i) {
    y[i] = f(a[pa], b[pb]);
    for (int d = rank - 1; d >= 0; --d) {
      const auto u = static_cast<size_t>(d);
      pa += strides[0][u];
      pb += strides[1][u];
      if (++index[u] < s[d]) break;
      pa -= strides[0][u] * s[d];
      pb -= strides[1][u] * s[d];
      index[u] = 0;
    }
  }
}

void concat(const Concat& op, std::span<const TensorView> in, const TensorView& out) {
  int64_t outer = 1;
  for (int d = 0; d < op.axis; ++d) outer *= out.shape[d];
  const size_t out_block = out.bytes() / static_cast<size_t>(outer);
  size_t offset = 0;
  for (const TensorView& part : in) {
    const size_t block = part.bytes() / static_cast<size_t>(outer);
    for (size_t o = 0; o < static_cast<size_t>(outer); ++o)
      std::memcpy(out.data + o * out_block + offset, part.data + o * block, block);
    offset += block;
  }
}

// Visits every element of the unshuffled tensor [N,C*r*r,H,W] (index `deep`) with its twin in the shuffled one.
template <class F>
void for_each_shuffled(const Shape& deep, int64_t r, F f) {
  const int64_t channels = deep[1] / (r * r), height = deep[2], width = deep[3];
  int64_t i = 0;
  for (int64_t n = 0; n < deep[0]; ++n)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t dy = 0; dy < r; ++dy)
        for (int64_t dx = 0; dx < r; ++dx)
          for (int64_t y = 0; y < height; ++y)
            for (int64_t x = 0; x < width; ++x, ++i)
              f(i, ((n * channels + c) * height * r + y * r + dy) * width * r + x * r + dx);
}

// Between which two input samples an output sample lies.
struct Tap {
  int64_t low, high;
  double weight;  // of `high`
};

// At `position` of `size` samples, whose centres are at whole numbers.
Tap tap_at(double position, int64_t size) {
  position = std::max(position, 0.0);
  const auto low = std::min(static_cast<int64_t>(position), size - 1);
  return {low, std::min(low + 1, size - 1), position - static_cast<double>(low)};
}

// `tap(o, axis)`: of output row (axis 0) or column (1) o.
template <class F>
void interpolate(std::span<const TensorView> in, const TensorView& out, F tap) {
  const Shape &s = in[0].shape, &t = out.shape;
  const float* x = in[0].as<float>();
  float* y = out.as<float>();
  for (int64_t nc = 0; nc < t[0] * t[1]; ++nc) {
    const float* plane = x + nc * s[2] * s[3];
    for (int64_t oy = 0; oy < t[2]; ++oy) {
      const Tap v = tap(oy, 0);
      for (int64_t ox = 0; ox < t[3]; ++ox) {
        const Tap h = tap(ox, 1);
        auto row = [&](int64_t iy) {
          return plane[iy * s[3] + h.low] * (1 - h.weight) + plane[iy * s[3] + h.high] * h.weight;
        };
        y[(nc * t[2] + oy) * t[3] + ox] = static_cast<float>(row(v.low) * (1 - v.weight) + row(v.high) * v.weight);
      }
    }
  }
}

void resize(const Resize& op, std::span<const TensorView> in, const TensorView& out) {
  interpolate(in, out, [&](int64_t o, int axis) -> Tap {
    const int scale = axis == 0 ? op.scale_y : op.scale_x;
    if (op.mode == ResizeMode::nearest) return {o / scale, o / scale, 0.0};
    return tap_at((static_cast<double>(o) + 0.5) / scale - 0.5, in[0].shape[2 + axis]);
  });
}

void resize_to(const ResizeTo& op, std::span<const TensorView> in, const TensorView& out) {
  interpolate(in, out, [&](int64_t o, int axis) {
    const int64_t from = in[0].shape[2 + axis], to = out.shape[2 + axis];
    const auto at = static_cast<double>(o), size = static_cast<double>(from), target = static_cast<double>(to);
    if (op.align_corners) return tap_at(to > 1 ? at * (size - 1) / (target - 1) : 0.0, from);
    return tap_at((at + 0.5) * size / target - 0.5, from);
  });
}

void average_pool(const AveragePool2d& op, std::span<const TensorView> in, const TensorView& out) {
  const Shape &s = in[0].shape, &t = out.shape;
  const float* x = in[0].as<float>();
  float* y = out.as<float>();
  for (int64_t nc = 0; nc < t[0] * t[1]; ++nc)
    for (int64_t oy = 0; oy < t[2]; ++oy)
      for (int64_t ox = 0; ox < t[3]; ++ox) {
        const int64_t top = oy * op.stride - op.pad, left = ox * op.stride - op.pad;
        double sum = 0;
        for (int64_t iy = std::max<int64_t>(top, 0); iy < std::min(top + op.kernel, s[2]); ++iy)
          for (int64_t ix = std::max<int64_t>(left, 0); ix < std::min(left + op.kernel, s[3]); ++ix)
            sum += x[(nc * s[2] + iy) * s[3] + ix];
        y[(nc * t[2] + oy) * t[3] + ox] = static_cast<float>(sum / (double(op.kernel) * op.kernel));
      }
}

void max_pool(const MaxPool2d& op, std::span<const TensorView> in, const TensorView& out) {
  const Shape &s = in[0].shape, &t = out.shape;
  for (int64_t nc = 0; nc < t[0] * t[1]; ++nc) {
    const float* plane = in[0].as<float>() + nc * s[2] * s[3];
    for (int64_t oy = 0; oy < t[2]; ++oy)
      for (int64_t ox = 0; ox < t[3]; ++ox) {
        const int64_t top = oy * op.stride - op.pad, left = ox * op.stride - op.pad;
        float largest = -std::numeric_limits<float>::infinity();
        for (int64_t y = std::max<int64_t>(top, 0); y < std::min(top + op.kernel, s[2]); ++y)
          for (int64_t x = std::max<int64_t>(left, 0); x < std::min(left + op.kernel, s[3]); ++x)
            largest = std::max(largest, plane[y * s[3] + x]);
        out.as<float>()[(nc * t[2] + oy) * t[3] + ox] = largest;
      }
  }
}

void slice(const Slice& op, std::span<const TensorView> in, const TensorView& out) {
  int64_t outer = 1, inner = 1;
  for (int d = 0; d < op.axis; ++d) outer *= out.shape[d];
  for (int d = op.axis + 1; d < out.shape.rank(); ++d) inner *= out.shape[d];
  const int64_t size = in[0].shape[op.axis], kept = op.end - op.begin;
  for (int64_t o = 0; o < outer; ++o)
    std::copy_n(in[0].as<float>() + (o * size + op.begin) * inner, kept * inner, out.as<float>() + o * kept * inner);
}

void softmax(const Softmax& op, std::span<const TensorView> in, const TensorView& out) {
  const Shape& s = out.shape;
  const int64_t size = s[op.axis];
  int64_t inner = 1;
  for (int d = op.axis + 1; d < s.rank(); ++d) inner *= s[d];
  for (int64_t line = 0; line < s.elements() / size; ++line) {
    const int64_t first = line / inner * size * inner + line % inner;
    const float* x = in[0].as<float>() + first;
    float* y = out.as<float>() + first;
    double largest = x[0], sum = 0;
    for (int64_t i = 1; i < size; ++i) largest = std::max(largest, double{x[i * inner]});
    for (int64_t i = 0; i < size; ++i) sum += std::exp(x[i * inner] - largest);
    for (int64_t i = 0; i < size; ++i) y[i * inner] = static_cast<float>(std::exp(x[i * inner] - largest) / sum);
  }
}

double mean_of(const float* values, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += values[i];
  return sum / static_cast<double>(count);
}

void global_average_pool(std::span<const TensorView> in, const TensorView& out) {
  const int64_t plane = in[0].shape[2] * in[0].shape[3];
  for (int64_t nc = 0; nc < out.shape.elements(); ++nc)
    out.as<float>()[nc] = static_cast<float>(mean_of(in[0].as<float>() + nc * plane, plane));
}

void instance_norm(const InstanceNorm& op, std::span<const TensorView> in, const TensorView& out) {
  const Shape& s = out.shape;
  const int64_t plane = s[2] * s[3];
  for (int64_t nc = 0; nc < s[0] * s[1]; ++nc) {
    const float* x = in[0].as<float>() + nc * plane;
    float* y = out.as<float>() + nc * plane;
    const double mean = mean_of(x, plane);
    double squares = 0;
    for (int64_t i = 0; i < plane; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const double gain = in[1].as<float>()[nc % s[1]] / std::sqrt(squares / static_cast<double>(plane) + op.epsilon);
    const double shift = in[2].as<float>()[nc % s[1]];
    for (int64_t i = 0; i < plane; ++i) y[i] = static_cast<float>((x[i] - mean) * gain + shift);
  }
}

void batch_norm(const BatchNorm& op, std::span<const TensorView> in, const TensorView& out) {
  const Shape& s = out.shape;
  const int64_t plane = s[2] * s[3];
  const auto statistic = [&](size_t input, int64_t channel) { return double{in[input].as<float>()[channel]}; };
  for (int64_t nc = 0; nc < s[0] * s[1]; ++nc) {
    const int64_t c = nc % s[1];
    const double gain = statistic(1, c) / std::sqrt(statistic(4, c) + op.epsilon);
    const double shift = statistic(2, c) - statistic(3, c) * gain;
    for (int64_t i = nc * plane; i < (nc + 1) * plane; ++i)
      out.as<float>()[i] = static_cast<float>(in[0].as<float>()[i] * gain + shift);
  }
}

void layer_norm(const LayerNorm& op, std::span<const TensorView> in, const TensorView& out) {
  const Shape& s = out.shape;
  const int64_t plane = s[2] * s[3];
  for (int64_t n = 0; n < s[0]; ++n)
    for (int64_t i = 0; i < plane; ++i) {
      const float* x = in[0].as<float>() + n * s[1] * plane + i;
      float* y = out.as<float>() + n * s[1] * plane + i;
      double mean = 0, squares = 0;
      for (int64_t c = 0; c < s[1]; ++c) mean += x[c * plane] / static_cast<double>(s[1]);
      for (int64_t c = 0; c < s[1]; ++c) squares += (x[c * plane] - mean) * (x[c * plane] - mean);
      const double gain = 1 / std::sqrt(squares / static_cast<double>(s[1]) + op.epsilon);
      for (int64_t c = 0; c < s[1]; ++c) y[c * plane] = static_cast<float>((x[c * plane] - mean) * gain);
    }
}

void inverse_tone_map(const InverseToneMap& op, std::span<const TensorView> in, const TensorView& out) {
  const auto curve = Bt2446::create(op.method, op.peak_nits);  // parameters checked by the shape rule
  const int64_t pixels = out.shape[2] * out.shape[3];
  for (int64_t n = 0; n < out.shape[0]; ++n) {
    const float* from = in[0].as<float>() + 3 * n * pixels;
    float* to = out.as<float>() + 3 * n * pixels;
    for (int64_t i = 0; i < pixels; ++i) {
      double rgb[3] = {from[i], from[pixels + i], from[2 * pixels + i]};
      curve->run(rgb);
      for (int c = 0; c < 3; ++c) to[c * pixels + i] = static_cast<float>(rgb[c]);
    }
  }
}

void linear(std::span<const TensorView> in, const TensorView& out) {
  const int64_t inner = in[1].shape[1], outer = in[1].shape[0];
  const float* x = in[0].as<float>();
  const float* weight = in[1].as<float>();
  const float* bias = in.size() > 2 ? in[2].as<float>() : nullptr;
  for (int64_t row = 0; row < out.shape.elements() / outer; ++row)
    for (int64_t o = 0; o < outer; ++o) {
      double sum = bias ? bias[o] : 0;
      for (int64_t i = 0; i < inner; ++i) sum += double{x[row * inner + i]} * weight[o * inner + i];
      out.as<float>()[row * outer + o] = static_cast<float>(sum);
    }
}

void matmul(std::span<const TensorView> in, const TensorView& out) {
  const Shape& s = out.shape;
  const int64_t rows = s[-2], columns = s[-1], inner = in[0].shape[-1];
  std::vector<double> line(static_cast<size_t>(columns));
  for (int64_t matrix = 0; matrix < s.elements() / (rows * columns); ++matrix) {
    // Which matrix of each operand: its axes before the last two, the repeated ones left out.
    std::array<int64_t, 2> source{}, stride{1, 1};
    for (int64_t rest = matrix, axis = 3; axis <= s.rank(); ++axis) {
      const int64_t index = rest % s[static_cast<int>(-axis)];
      rest /= s[static_cast<int>(-axis)];
      for (size_t k = 0; k < 2; ++k) {
        if (axis > in[k].shape.rank()) continue;
        const int64_t size = in[k].shape[static_cast<int>(-axis)];
        source[k] += size == 1 ? 0 : index * stride[k];
        stride[k] *= size;
      }
    }
    const float* a = in[0].as<float>() + source[0] * rows * inner;
    const float* b = in[1].as<float>() + source[1] * inner * columns;
    for (int64_t row = 0; row < rows; ++row) {
      std::ranges::fill(line, 0.0);
      for (int64_t i = 0; i < inner; ++i)
        for (int64_t column = 0; column < columns; ++column)
          line[static_cast<size_t>(column)] += double{a[row * inner + i]} * b[i * columns + column];
      std::ranges::transform(line, out.as<float>() + (matrix * rows + row) * columns,
                             [](double v) { return static_cast<float>(v); });
    }
  }
}

// out[n, c, y, x] = in[source(n, c, y, x)].
template <class F>
void gather(std::span<const TensorView> in, const TensorView& out, F source) {
  const Shape& s = out.shape;
  float* y = out.as<float>();
  std::array<int64_t, 4> at{};
  for (at[0] = 0; at[0] < s[0]; ++at[0])
    for (at[1] = 0; at[1] < s[1]; ++at[1])
      for (at[2] = 0; at[2] < s[2]; ++at[2])
        for (at[3] = 0; at[3] < s[3]; ++at[3]) {
          const std::array<int64_t, 4> from = source(at);
          const Shape& t = in[0].shape;
          *y++ = in[0].as<float>()[((from[0] * t[1] + from[1]) * t[2] + from[2]) * t[3] + from[3]];
        }
}

struct Evaluator {
  std::span<const TensorView> in;
  const TensorView& out;

  template <class F>
  void in_double(F f) const {
    map(in, out, [&](float v) { return static_cast<float>(f(double{v})); });
  }

  void operator()(const Conv2d& op) const { conv2d(op, in, out); }
  void operator()(const Relu&) const {
    map(in, out, [](float v) { return v > 0 ? v : 0; });
  }
  void operator()(const LeakyRelu& op) const {
    map(in, out, [&](float v) { return v < 0 ? op.slope * v : v; });
  }
  void operator()(const PRelu&) const { prelu(in, out); }
  void operator()(const Clamp& op) const {
    map(in, out, [&](float v) { return v > op.low ? std::min(v, op.high) : op.low; });
  }
  void operator()(const ConvTranspose2d& op) const { conv_transpose2d(op, in, out); }
  void operator()(const Softplus&) const {
    in_double([](double v) { return v > 20 ? v : std::log1p(std::exp(v)); });
  }
  void operator()(const Selu&) const {
    in_double([](double v) { return 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * std::expm1(v)); });
  }
  void operator()(const Sigmoid&) const {
    in_double([](double v) { return 1 / (1 + std::exp(-v)); });
  }
  void operator()(const Tanh&) const {
    in_double([](double v) { return std::tanh(v); });
  }
  void operator()(const Abs&) const {
    map(in, out, [](float v) { return std::abs(v); });
  }
  void operator()(const Gelu&) const {
    in_double([](double v) { return v * (1 + std::erf(v / std::numbers::sqrt2)) / 2; });
  }
  void operator()(const Log1p&) const {
    in_double([](double v) { return std::log1p(v); });
  }
  void operator()(const Pow& op) const {
    in_double([&](double v) { return std::pow(v, double{op.exponent}); });
  }
  void operator()(const Mean&) const {
    out.as<float>()[0] = static_cast<float>(mean_of(in[0].as<float>(), in[0].shape.elements()));
  }
  void operator()(const Sub&) const {
    broadcast(in, out, [](float a, float b) { return a - b; });
  }
  void operator()(const Div&) const {
    broadcast(in, out, [](float a, float b) { return a / b; });
  }
  void operator()(const Add&) const {
    broadcast(in, out, [](float a, float b) { return a + b; });
  }
  void operator()(const Mul&) const {
    broadcast(in, out, [](float a, float b) { return a * b; });
  }
  void operator()(const Concat& op) const { concat(op, in, out); }
  void operator()(const PixelShuffle& op) const {
    for_each_shuffled(in[0].shape, op.factor,
                      [&](int64_t deep, int64_t wide) { out.as<float>()[wide] = in[0].as<float>()[deep]; });
  }
  void operator()(const PixelUnshuffle& op) const {
    for_each_shuffled(out.shape, op.factor,
                      [&](int64_t deep, int64_t wide) { out.as<float>()[deep] = in[0].as<float>()[wide]; });
  }
  void operator()(const Crop& op) const {
    gather(in, out, [&](std::array<int64_t, 4> at) {
      return std::array<int64_t, 4>{at[0], at[1], at[2] + op.edges.top, at[3] + op.edges.left};
    });
  }
  void operator()(const Pad& op) const {
    const auto inside = [&](int64_t i, int64_t size) {
      if (op.mode == PadMode::edge) return std::clamp<int64_t>(i, 0, size - 1);
      return i < 0 ? -i : i < size ? i : 2 * (size - 1) - i;
    };
    const Shape& s = in[0].shape;
    if (op.mode == PadMode::zero) {
      std::ranges::fill(out.f32(), 0.0f);
      for (int64_t row = 0; row < s.elements() / s[3]; ++row) {
        const int64_t line = row / s[2] * out.shape[2] + op.edges.top + row % s[2];
        std::copy_n(in[0].as<float>() + row * s[3], s[3], out.as<float>() + line * out.shape[3] + op.edges.left);
      }
      return;
    }
    gather(in, out, [&](std::array<int64_t, 4> at) {
      return std::array<int64_t, 4>{at[0], at[1], inside(at[2] - op.edges.top, s[2]),
                                    inside(at[3] - op.edges.left, s[3])};
    });
  }
  void operator()(const Slice& op) const { slice(op, in, out); }
  void operator()(const Softmax& op) const { softmax(op, in, out); }
  void operator()(const Repeat&) const {
    gather(in, out, [&](std::array<int64_t, 4> at) {
      return std::array<int64_t, 4>{at[0], at[1], at[2] % in[0].shape[2], at[3] % in[0].shape[3]};
    });
  }
  void operator()(const Permute& op) const {
    gather(in, out, [&](std::array<int64_t, 4> at) {
      std::array<int64_t, 4> from{};
      for (size_t i = 0; i < 4; ++i) from[static_cast<size_t>(op.order[i])] = at[i];
      return from;
    });
  }
  void operator()(const Resize& op) const { resize(op, in, out); }
  void operator()(const ResizeTo& op) const { resize_to(op, in, out); }
  void operator()(const HardSwish&) const {
    in_double([](double v) { return v * std::clamp(v + 3, 0.0, 6.0) / 6; });
  }
  void operator()(const FakeQuantize& op) const { fake_quantize(op, in, out); }
  void operator()(const AveragePool2d& op) const { average_pool(op, in, out); }
  void operator()(const GlobalAveragePool&) const { global_average_pool(in, out); }
  void operator()(const InstanceNorm& op) const { instance_norm(op, in, out); }
  void operator()(const MaxPool2d& op) const { max_pool(op, in, out); }
  void operator()(const BatchNorm& op) const { batch_norm(op, in, out); }
  void operator()(const InverseToneMap& op) const { inverse_tone_map(op, in, out); }
  void operator()(const LayerNorm& op) const { layer_norm(op, in, out); }
  void operator()(const MatMul&) const { matmul(in, out); }
  void operator()(const Linear&) const { linear(in, out); }
  void operator()(const Reshape&) const { std::memcpy(out.data, in[0].data, out.bytes()); }
};

}  // namespace

void evaluate(const Op& op, std::span<const TensorView> inputs, const TensorView& output) {
  std::visit(Evaluator{inputs, output}, op);
}

Result<std::vector<Tensor>> evaluate(const Graph& graph, const Parameters& parameters, std::span<const Tensor> inputs) {
  std::vector<Tensor> results(graph.values.size());
  std::vector<TensorView> views(graph.values.size());
  auto view_of = [](const Tensor& t) {  // evaluate() only reads its inputs
    return TensorView{t.dtype(), t.shape(), const_cast<std::byte*>(t.data())};
  };
  if (inputs.size() != graph.inputs.size())
    return fail(ErrorCode::invalid_argument, "the graph takes {} inputs, not {}", graph.inputs.size(), inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].shape() != graph.value(graph.inputs[i]).shape)
      return fail(ErrorCode::invalid_argument, "input {} has shape {}, expected {}", graph.value(graph.inputs[i]).name,
                  to_string(inputs[i].shape()), to_string(graph.value(graph.inputs[i]).shape));
    views[static_cast<size_t>(graph.inputs[i])] = view_of(inputs[i]);
  }
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (value.kind == ValueKind::constant) views[i] = view_of(*value.constant);
    if (value.kind == ValueKind::parameter) {
      auto found = parameters.find(value.name);
      if (found == parameters.end() || found->second.shape() != value.shape)
        return fail(ErrorCode::invalid_argument, "parameter {} {} is not bound", value.name, to_string(value.shape));
      views[i] = view_of(found->second);
    }
  }
  for (const Node& node : graph.nodes) {
    const auto id = static_cast<size_t>(node.output);
    results[id] = Tensor(DType::f32, graph.values[id].shape);
    views[id] = results[id].view();
    std::vector<TensorView> in;
    for (ValueId input : node.inputs) in.push_back(views[static_cast<size_t>(input)]);
    evaluate(node.op, in, views[id]);
  }
  std::vector<Tensor> outputs;
  for (ValueId id : graph.outputs) outputs.push_back(std::move(results[static_cast<size_t>(id)]));
  return outputs;
}

}  // namespace framelift
