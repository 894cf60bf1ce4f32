#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "postprocess/tensor_to_frame_kernels.cpp"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"
#include "postprocess/dither.h"
#include "postprocess/tensor_to_frame_kernels.h"
#include "preprocess/simd_loop-inl.h"

HWY_BEFORE_NAMESPACE();
namespace framelift::HWY_NAMESPACE {

// Adding and removing 1.5 * 2^23 leaves no room for a fraction: rounds to nearest even, and the integer is in the low
// bits of the sum.
constexpr float rounding_magic = 12582912.0f;

template <class Sample, class D, class V>
HWY_INLINE void store_code(D d, V code, const CodeRow& out, size_t i) {
  const auto number = hn::IfThenElseZero(hn::Eq(code, code), code);
  const auto biased = hn::Add(number, hn::LoadU(d, out.bias + (i & (dither_size - 1))));
  const auto clamped = hn::Min(hn::Max(biased, hn::Zero(d)), hn::Set(d, out.top));
  const auto rounded = hn::BitCast(hn::RebindToUnsigned<D>(), hn::Add(clamped, hn::Set(d, rounding_magic)));
  const hn::Rebind<Sample, D> narrow;
  hn::StoreU(hn::TruncateTo(narrow, rounded), narrow, static_cast<Sample*>(out.data) + i);
}

// Calls f with a value of the sample type: uint8_t or uint16_t.
template <class F>
HWY_INLINE void with_sample_type(const CodeRow& out, const F& f) {
  if (out.top > 255)
    f(uint16_t{});
  else
    f(uint8_t{});
}

void SignalRowToCode(const float* HWY_RESTRICT signal, float scale, size_t n, const CodeRow& row) {
  const CodeRow out = row;
  with_sample_type(out, [&](auto sample) HWY_ATTR {
    for_each_vector(0, n, [&](auto d, size_t i) HWY_ATTR {
      store_code<decltype(sample)>(d, hn::Mul(hn::LoadU(d, signal + i), hn::Set(d, scale)), out, i);
    });
  });
}

template <class V>
struct Rgb {
  V r, g, b;
};

template <class D>
HWY_INLINE Rgb<hn::Vec<D>> load_rgb(D d, const RgbRow& row, size_t i) {
  return {hn::LoadU(d, row.channel[0] + i), hn::LoadU(d, row.channel[1] + i), hn::LoadU(d, row.channel[2] + i)};
}

template <class D, class V>
HWY_INLINE V weighted(D d, const RgbToCode& t, int plane, const Rgb<V>& rgb) {
  const float* m = t.m[plane];
  const auto rg = hn::Add(hn::Mul(hn::Set(d, m[0]), rgb.r), hn::Mul(hn::Set(d, m[1]), rgb.g));
  return hn::Add(rg, hn::Mul(hn::Set(d, m[2]), rgb.b));
}

void RgbRowToCodes(const RgbToCode& transform, const RgbRow& row, size_t n, int planes, const CodeRow* rows) {
  // Copies, so that the compiler knows that no store changes them.
  const RgbToCode t = transform;
  const CodeRow y = rows[0], u = rows[planes - 1 < 1 ? 0 : 1], v = rows[planes - 1];
  with_sample_type(y, [&](auto sample) HWY_ATTR {
    using Sample = decltype(sample);
    for_each_vector(0, n, [&](auto d, size_t i) HWY_ATTR {
      const auto rgb = load_rgb(d, row, i);
      store_code<Sample>(d, weighted(d, t, 0, rgb), y, i);
      if (planes == 1) return;
      store_code<Sample>(d, weighted(d, t, 1, rgb), u, i);
      store_code<Sample>(d, weighted(d, t, 2, rgb), v, i);
    });
  });
}

// Into the second-level cache: the first one is full of the rows at work.
HWY_INLINE void fetch(const RgbRow& row, size_t i) {
  for (const float* channel : row.channel) __builtin_prefetch(channel + i, 0, 2);
}

// Rows: one, or two whose chroma is averaged.
template <bool two_rows, bool with_luma, bool prefetching = false>
void luma_and_chroma(const RgbToCode& transform, const RgbRow* rgb_rows, size_t n, [[maybe_unused]] size_t prefetch,
                     const CodeRow* luma_rows, float* HWY_RESTRICT u, float* HWY_RESTRICT v) {
  RgbToCode t = transform;
  if (two_rows)
    for (int plane : {1, 2})
      for (float& m : t.m[plane]) m *= 0.5f;
  const RgbRow first_row = rgb_rows[0], second_row = rgb_rows[two_rows];
  const CodeRow first_luma = luma_rows[0], second_luma = luma_rows[two_rows];
  with_sample_type(first_luma, [&](auto sample) HWY_ATTR {
    using Sample = decltype(sample);
    for_each_vector(0, n, [&](auto d, size_t i) HWY_ATTR {
      if constexpr (prefetching) {
        fetch(first_row, i + prefetch);
        fetch(second_row, i + prefetch);
      }
      auto rgb = load_rgb(d, first_row, i);
      if constexpr (with_luma) store_code<Sample>(d, weighted(d, t, 0, rgb), first_luma, i);
      if constexpr (two_rows) {
        const auto second = load_rgb(d, second_row, i);
        if constexpr (with_luma) store_code<Sample>(d, weighted(d, t, 0, second), second_luma, i);
        rgb = {hn::Add(rgb.r, second.r), hn::Add(rgb.g, second.g), hn::Add(rgb.b, second.b)};
      }
      hn::StoreU(weighted(d, t, 1, rgb), d, u + i);
      hn::StoreU(weighted(d, t, 2, rgb), d, v + i);
    });
  });
}

void RgbRowsToLumaAndChroma(const RgbToCode& t, const RgbRow* rgb, int rows, size_t n, size_t prefetch,
                            const CodeRow* luma, float* u, float* v) {
  if (luma[0].data != nullptr) {
    if (rows == 2 && prefetch != 0)
      luma_and_chroma<true, true, true>(t, rgb, n, prefetch, luma, u, v);
    else if (rows == 2)
      luma_and_chroma<true, true>(t, rgb, n, prefetch, luma, u, v);
    else
      luma_and_chroma<false, true>(t, rgb, n, prefetch, luma, u, v);
  } else if (rows == 2) {
    luma_and_chroma<true, false>(t, rgb, n, prefetch, luma, u, v);
  } else {
    luma_and_chroma<false, false>(t, rgb, n, prefetch, luma, u, v);
  }
}

// 3/4 center + 1/4 (near pair) - 1/8 (far pair): the LeGall 5/3 low-pass [-1, 2, 6, 2, -1] / 8.
template <class D, class V>
HWY_INLINE V legall(D d, V far_before, V before, V center, V after, V far_after) {
  const auto inner = hn::Add(hn::Mul(center, hn::Set(d, 0.75f)), hn::Mul(hn::Add(before, after), hn::Set(d, 0.25f)));
  return hn::Sub(inner, hn::Mul(hn::Add(far_before, far_after), hn::Set(d, 0.125f)));
}

template <Siting siting, class D>
HWY_INLINE hn::Vec<D> downsampled(D d, const float* in, size_t k) {
  if constexpr (siting == Siting::none) return hn::LoadU(d, in + k);
  hn::Vec<D> even, odd;
  hn::LoadInterleaved2(d, in + 2 * k, even, odd);
  if constexpr (siting == Siting::centered) return hn::Mul(hn::Add(even, odd), hn::Set(d, 0.5f));
  hn::Vec<D> even_before, odd_before, even_after, odd_after;
  hn::LoadInterleaved2(d, in + 2 * k - 2, even_before, odd_before);
  hn::LoadInterleaved2(d, in + 2 * k + 2, even_after, odd_after);
  return legall(d, even_before, odd_before, even, odd, even_after);
}

void DownsampleRow(Siting siting, const float* HWY_RESTRICT in, size_t n, float* HWY_RESTRICT out) {
  if (siting == Siting::centered)
    for_each_vector(
        0, n, [&](auto d, size_t k) HWY_ATTR { hn::StoreU(downsampled<Siting::centered>(d, in, k), d, out + k); });
  else
    for_each_vector(0, n,
                    [&](auto d, size_t k) HWY_ATTR { hn::StoreU(downsampled<Siting::cosited>(d, in, k), d, out + k); });
}

template <Siting siting>
void downsample_and_quantise(const float* HWY_RESTRICT in, size_t n, const CodeRow& row) {
  const CodeRow out = row;
  with_sample_type(out, [&](auto sample) HWY_ATTR {
    for_each_vector(0, n, [&](auto d, size_t k) HWY_ATTR {
      store_code<decltype(sample)>(d, downsampled<siting>(d, in, k), out, k);
    });
  });
}

void DownsampleRowToCode(Siting siting, const float* in, size_t n, const CodeRow& out) {
  if (siting == Siting::centered)
    downsample_and_quantise<Siting::centered>(in, n, out);
  else if (siting == Siting::cosited)
    downsample_and_quantise<Siting::cosited>(in, n, out);
  else
    downsample_and_quantise<Siting::none>(in, n, out);
}

void DownsampleRowsToCode(const float* const (&rows)[5], size_t n, const CodeRow& row) {
  const CodeRow out = row;
  with_sample_type(out, [&](auto sample) HWY_ATTR {
    for_each_vector(0, n, [&](auto d, size_t i) HWY_ATTR {
      const auto filtered = legall(d, hn::LoadU(d, rows[0] + i), hn::LoadU(d, rows[1] + i), hn::LoadU(d, rows[2] + i),
                                   hn::LoadU(d, rows[3] + i), hn::LoadU(d, rows[4] + i));
      store_code<decltype(sample)>(d, filtered, out, i);
    });
  });
}

}  // namespace framelift::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace framelift {

HWY_EXPORT(SignalRowToCode);
HWY_EXPORT(RgbRowToCodes);
HWY_EXPORT(RgbRowsToLumaAndChroma);
HWY_EXPORT(DownsampleRow);
HWY_EXPORT(DownsampleRowsToCode);
HWY_EXPORT(DownsampleRowToCode);

void signal_row_to_code(const float* signal, float scale, size_t n, CodeRow out) {
  HWY_DYNAMIC_DISPATCH(SignalRowToCode)(signal, scale, n, out);
}

void rgb_row_to_codes(const RgbToCode& transform, RgbRow rgb, size_t n, int planes, const CodeRow* out) {
  HWY_DYNAMIC_DISPATCH(RgbRowToCodes)(transform, rgb, n, planes, out);
}

void rgb_rows_to_luma_and_chroma(const RgbToCode& transform, const RgbRow* rgb, int rows, size_t n, size_t prefetch,
                                 const CodeRow* luma, float* u, float* v) {
  HWY_DYNAMIC_DISPATCH(RgbRowsToLumaAndChroma)(transform, rgb, rows, n, prefetch, luma, u, v);
}

void downsample_row(Siting siting, const float* in, size_t n, float* out) {
  HWY_DYNAMIC_DISPATCH(DownsampleRow)(siting, in, n, out);
}

void downsample_rows_to_code(const float* const (&rows)[5], size_t n, CodeRow out) {
  HWY_DYNAMIC_DISPATCH(DownsampleRowsToCode)(rows, n, out);
}

void downsample_row_to_code(Siting siting, const float* in, size_t n, CodeRow out) {
  HWY_DYNAMIC_DISPATCH(DownsampleRowToCode)(siting, in, n, out);
}

}  // namespace framelift
#endif
