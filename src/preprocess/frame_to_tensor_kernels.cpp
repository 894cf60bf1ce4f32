#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "preprocess/frame_to_tensor_kernels.cpp"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"
#include "preprocess/frame_to_tensor_kernels.h"
#include "preprocess/simd_loop-inl.h"

HWY_BEFORE_NAMESPACE();
namespace framelift::HWY_NAMESPACE {

template <class D, class Sample>
HWY_INLINE hn::Vec<D> load_codes(D d, const Sample* p) {
  const hn::Rebind<Sample, D> narrow;
  return hn::ConvertTo(d, hn::PromoteTo(hn::RebindToSigned<D>(), hn::LoadU(narrow, p)));
}

// Calls f with a value of the sample type: uint8_t or uint16_t.
template <class F>
HWY_INLINE void with_sample_type(int bytes_per_sample, const F& f) {
  if (bytes_per_sample == 1)
    f(uint8_t{});
  else
    f(uint16_t{});
}

template <class Sample, class D>
HWY_INLINE hn::Vec<D> signal(D d, const CodeToRgb& t, const Sample* row, size_t i) {
  return hn::Mul(hn::Sub(load_codes(d, row + i), hn::Set(d, t.y_offset)), hn::Set(d, t.y_scale));
}

template <class D, class V>
HWY_INLINE void store_rgb(D d, const CodeToRgb& t, V y, V u, V v, float* const (&rgb)[3], size_t i) {
  for (int c = 0; c < 3; ++c) {
    const auto from_u = hn::Mul(hn::Set(d, t.chroma[c][0]), u), from_v = hn::Mul(hn::Set(d, t.chroma[c][1]), v);
    hn::StoreU(hn::Add(y, hn::Add(from_u, from_v)), d, rgb[c] + i);
  }
}

void CodeRowToSignal(const CodeToRgb& t, SampleRow row, size_t n, float* HWY_RESTRICT out) {
  with_sample_type(row.bytes_per_sample, [&](auto sample) HWY_ATTR {
    const auto* codes = static_cast<const decltype(sample)*>(row.data);
    for_each_vector(0, n, [&](auto d, size_t i) HWY_ATTR { hn::StoreU(signal(d, t, codes, i), d, out + i); });
  });
}

void YuvRowToRgb(const CodeToRgb& transform, SampleRow y, SampleRow u, SampleRow v, size_t n,
                 float* const (&rgb_rows)[3]) {
  // Copies, so that the compiler knows that no store changes them.
  const CodeToRgb t = transform;
  float* const rgb[3] = {rgb_rows[0], rgb_rows[1], rgb_rows[2]};
  with_sample_type(y.bytes_per_sample, [&](auto sample) HWY_ATTR {
    using Sample = decltype(sample);
    const auto* y_row = static_cast<const Sample*>(y.data);
    const auto* u_row = static_cast<const Sample*>(u.data);
    const auto* v_row = static_cast<const Sample*>(v.data);
    for_each_vector(0, n, [&](auto d, size_t i) HWY_ATTR {
      const auto center = hn::Set(d, t.c_offset);
      store_rgb(d, t, signal(d, t, y_row, i), hn::Sub(load_codes(d, u_row + i), center),
                hn::Sub(load_codes(d, v_row + i), center), rgb, i);
    });
  });
}

void FilterChromaRows(Siting siting, SampleRow before, SampleRow here, SampleRow after, float center, float scale,
                      size_t n, float* HWY_RESTRICT even, float* HWY_RESTRICT odd) {
  with_sample_type(here.bytes_per_sample, [&](auto sample) HWY_ATTR {
    using Sample = decltype(sample);
    const auto* a = static_cast<const Sample*>(before.data);
    const auto* b = static_cast<const Sample*>(here.data);
    const auto* c = static_cast<const Sample*>(after.data);
    const auto centered = [=](auto d, const Sample* p) HWY_ATTR {
      return hn::Mul(hn::Sub(load_codes(d, p), hn::Set(d, center)), hn::Set(d, scale));
    };
    if (siting == Siting::centered) {
      for_each_vector(0, n, [&](auto d, size_t i) HWY_ATTR {
        const auto difference = hn::Sub(load_codes(d, c + i), load_codes(d, a + i));
        const auto step = hn::Mul(difference, hn::Set(d, 0.125f * scale));
        const auto middle = centered(d, b + i);
        hn::StoreU(hn::Sub(middle, step), d, even + i);
        hn::StoreU(hn::Add(middle, step), d, odd + i);
      });
    } else if (siting == Siting::cosited) {
      for_each_vector(0, n, [&](auto d, size_t i) HWY_ATTR {
        const auto first = centered(d, b + i);
        hn::StoreU(first, d, even + i);
        hn::StoreU(hn::Mul(hn::Add(first, centered(d, c + i)), hn::Set(d, 0.5f)), d, odd + i);
      });
    } else {
      for_each_vector(0, n, [&](auto d, size_t i) HWY_ATTR { hn::StoreU(centered(d, b + i), d, even + i); });
    }
  });
}

// Upsampling looks its operands up in the vector that starts one chroma sample before the first one needed. Lane j of
// the result, an even pixel for even j, is
//   co-sited   own[j] + next[j], of samples scaled by chroma_row_scale()
//   centred    own[j] + (nearer[j] - farther[j]) / 8
struct UpsampleIndices {
  static constexpr size_t count = HWY_MAX_BYTES < 16 ? 4 : HWY_MAX_BYTES / sizeof(float);
  int32_t own[count], next[count], nearer[count], farther[count];

  constexpr UpsampleIndices() : own(), next(), nearer(), farther() {
    for (size_t j = 0; j < count; ++j) {
      const auto before = static_cast<int32_t>(j / 2);
      own[j] = before + 1;
      next[j] = j % 2 ? before + 2 : before + 1;
      nearer[j] = j % 2 ? before + 2 : before;
      farther[j] = j % 2 ? before : before + 2;
    }
  }
};
inline constexpr UpsampleIndices upsample_indices;

// Chroma of the pixels from i on; pixels 2k and 2k + 1 surround c[k]. A tag of several lanes needs an even i.
template <Siting siting, class D>
HWY_INLINE hn::Vec<D> upsampled(D d, const float* c, size_t i) {
  const float* window_start = c + static_cast<ptrdiff_t>(i / 2) - 1;
  if constexpr (siting == Siting::none) {
    return hn::LoadU(d, c + i);
  } else if constexpr (hn::MaxLanes(D()) == 1) {
    const float before = window_start[0], own = window_start[1], after = window_start[2];
    if constexpr (siting == Siting::cosited) return hn::Set(d, i % 2 ? own + after : own + own);
    const float step = (after - before) * 0.125f;
    return hn::Set(d, i % 2 ? own + step : own - step);
  } else {
    const auto window = hn::LoadU(d, window_start);
    const auto look_up = [&](const int32_t* indices)
                             HWY_ATTR { return hn::TableLookupLanes(window, hn::SetTableIndices(d, indices)); };
    const auto own = look_up(upsample_indices.own);
    if constexpr (siting == Siting::cosited) return hn::Add(own, look_up(upsample_indices.next));
    const auto slope = hn::Sub(look_up(upsample_indices.nearer), look_up(upsample_indices.farther));
    return hn::Add(own, hn::Mul(slope, hn::Set(d, 0.125f)));
  }
}

template <Siting siting>
void subsampled_row(const CodeToRgb& transform, size_t phase, SampleRow y, const float* u, const float* v, size_t n,
                    float* const (&rgb_rows)[3]) {
  const CodeToRgb t = transform;
  float* const rgb[3] = {rgb_rows[0], rgb_rows[1], rgb_rows[2]};
  with_sample_type(y.bytes_per_sample, [&](auto sample) HWY_ATTR {
    const auto* codes = static_cast<const decltype(sample)*>(y.data);
    const auto pixels = [&](auto d, size_t i) HWY_ATTR {
      store_rgb(d, t, signal(d, t, codes, i), upsampled<siting>(d, u, i + phase), upsampled<siting>(d, v, i + phase),
                rgb, i);
    };
    if (phase) pixels(hn::CappedTag<float, 1>(), 0);
    for_each_vector<true>(phase, n, pixels);
  });
}

void SubsampledRowToRgb(const CodeToRgb& t, Siting siting, size_t phase, SampleRow y, const float* u, const float* v,
                        size_t n, float* const (&rgb)[3]) {
  if (siting == Siting::cosited)
    subsampled_row<Siting::cosited>(t, phase, y, u, v, n, rgb);
  else if (siting == Siting::centered)
    subsampled_row<Siting::centered>(t, phase, y, u, v, n, rgb);
  else
    subsampled_row<Siting::none>(t, 0, y, u, v, n, rgb);
}

}  // namespace framelift::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace framelift {

HWY_EXPORT(CodeRowToSignal);
HWY_EXPORT(YuvRowToRgb);
HWY_EXPORT(FilterChromaRows);
HWY_EXPORT(SubsampledRowToRgb);

void code_row_to_signal(const CodeToRgb& transform, SampleRow row, size_t n, float* out) {
  HWY_DYNAMIC_DISPATCH(CodeRowToSignal)(transform, row, n, out);
}

void yuv_row_to_rgb(const CodeToRgb& transform, SampleRow y, SampleRow u, SampleRow v, size_t n,
                    float* const (&rgb)[3]) {
  HWY_DYNAMIC_DISPATCH(YuvRowToRgb)(transform, y, u, v, n, rgb);
}

void filter_chroma_rows(Siting siting, SampleRow before, SampleRow here, SampleRow after, float center, float scale,
                        size_t n, float* even, float* odd) {
  HWY_DYNAMIC_DISPATCH(FilterChromaRows)(siting, before, here, after, center, scale, n, even, odd);
}

void subsampled_row_to_rgb(const CodeToRgb& transform, Siting siting, size_t phase, SampleRow y, const float* u,
                           const float* v, size_t n, float* const (&rgb)[3]) {
  HWY_DYNAMIC_DISPATCH(SubsampledRowToRgb)(transform, siting, phase, y, u, v, n, rgb);
}

}  // namespace framelift
#endif
