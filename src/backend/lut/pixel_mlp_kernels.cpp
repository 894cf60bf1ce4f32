#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/lut/pixel_mlp_kernels.cpp"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <utility>

#include "backend/lut/pixel_mlp.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace framelift::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr size_t lanes = hn::MaxLanes(D());
// Pixels that go through all layers together: few enough that two layers of them stay in the first cache, with enough
// sums under way to hide the latency of an addition.
constexpr size_t vectors = 3, pixels = vectors * lanes;
// Of four outputs; with the sums in registers: 32 of them with AVX-512, else 16.
constexpr size_t blocks_at_once = HWY_TARGET <= HWY_AVX3 ? 2 : 1;

// y[o][p] = activation(bias[o] + sum over i of weight[o][i] * x[i][p]) for `blocks` blocks of four outputs.
template <size_t blocks>
HWY_INLINE void outputs_of(const PixelMlp::Layer& layer, size_t first_block, const float* x, float* y) {
  const D d;
  const auto inputs = static_cast<size_t>(layer.inputs);
  V sum[4 * blocks][vectors];
  for (size_t o = 0; o < 4 * blocks; ++o)
    for (size_t v = 0; v < vectors; ++v) sum[o][v] = hn::Set(d, layer.bias[4 * first_block + o]);
  const float* weight[blocks];
  for (size_t b = 0; b < blocks; ++b) weight[b] = layer.weight.data() + (first_block + b) * inputs * 4;
  for (size_t i = 0; i < inputs; ++i) {
    V in[vectors];
    for (size_t v = 0; v < vectors; ++v) in[v] = hn::Load(d, x + i * pixels + v * lanes);
    for (size_t o = 0; o < 4 * blocks; ++o) {
      const V w = hn::Set(d, weight[o / 4][4 * i + o % 4]);
      for (size_t v = 0; v < vectors; ++v) sum[o][v] = hn::MulAdd(w, in[v], sum[o][v]);
    }
  }
  const V slope = hn::Set(d, layer.slope);
  for (size_t o = 0; o < 4 * blocks; ++o)
    for (size_t v = 0; v < vectors; ++v)
      hn::Store(hn::Max(sum[o][v], hn::Mul(slope, sum[o][v])), d, y + (4 * first_block + o) * pixels + v * lanes);
}

HWY_INLINE void all_outputs(const PixelMlp::Layer& layer, const float* x, float* y) {
  const size_t blocks = layer.bias.size() / 4;
  size_t block = 0;
  for (; block + blocks_at_once <= blocks; block += blocks_at_once) outputs_of<blocks_at_once>(layer, block, x, y);
  for (; block < blocks; ++block) outputs_of<1>(layer, block, x, y);
}

void RunPixelMlp(std::span<const PixelMlp::Layer> layers, const float* const (&src)[3], size_t n,
                 float* const (&dst)[3]) {
  HWY_ALIGN float buffers[2][PixelMlp::max_features * pixels];
  for (size_t begin = 0; begin < n; begin += pixels) {
    const size_t count = std::min(pixels, n - begin);
    float *x = buffers[0], *y = buffers[1];
    for (size_t c = 0; c < 3; ++c) {
      std::copy_n(src[c] + begin, count, x + c * pixels);
      std::fill(x + c * pixels + count, x + (c + 1) * pixels, 0.0f);
    }
    for (const PixelMlp::Layer& layer : layers) {
      all_outputs(layer, x, y);
      std::swap(x, y);
    }
    for (size_t c = 0; c < 3; ++c) std::copy_n(x + c * pixels, count, dst[c] + begin);
  }
}

}  // namespace framelift::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace framelift {

HWY_EXPORT(RunPixelMlp);

void run_pixel_mlp(std::span<const PixelMlp::Layer> layers, const float* const (&src)[3], size_t n,
                   float* const (&dst)[3]) {
  HWY_DYNAMIC_DISPATCH(RunPixelMlp)(layers, src, n, dst);
}

}  // namespace framelift
#endif
