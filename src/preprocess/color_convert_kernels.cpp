#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "preprocess/color_convert_kernels.cpp"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>

#include "color/gamut_map.h"
#include "color/transfer.h"
#include "hwy/highway.h"
#include "preprocess/color_convert_kernels.h"
#include "preprocess/simd_loop-inl.h"

HWY_BEFORE_NAMESPACE();
namespace framelift::HWY_NAMESPACE {

template <class D, class V>
HWY_INLINE V mul_add(D, V a, V b, V c) {
  return hn::Add(hn::Mul(a, b), c);
}

// log2(1 + t) for sqrt(1/2) - 1 <= t <= sqrt(2) - 1, by the series of artanh in s = t / (2 + t) with coefficients that
// spread the error (Chebyshev interpolation; relative error below 2e-7).
template <class D, class V>
HWY_INLINE V log2_1p(D d, V t) {
  const V s = hn::Div(t, hn::Add(t, hn::Set(d, 2.0f)));
  const V u = hn::Mul(s, s);
  V p = hn::Set(d, 0.5957596f);
  p = mul_add(d, p, u, hn::Set(d, 0.96158895f));
  p = mul_add(d, p, u, hn::Set(d, 2.8853904f));
  return hn::Mul(s, p);
}

// 2^f - 1 for -1/2 <= f <= 1/2, likewise; error relative to 2^f below 3e-7 and falling with |f|.
template <class D, class V>
HWY_INLINE V exp2_m1(D d, V f) {
  V p = hn::Set(d, 0.0013381303f);
  p = mul_add(d, p, f, hn::Set(d, 0.0096663685f));
  p = mul_add(d, p, f, hn::Set(d, 0.05550381f));
  p = mul_add(d, p, f, hn::Set(d, 0.24022349f));
  p = mul_add(d, p, f, hn::Set(d, 0.69314718f));
  return hn::Mul(f, p);
}

// x > 0 and normal. log2(1) = 0 exactly.
template <class D, class V>
HWY_INLINE V log2_of(D d, V x) {
  const hn::RebindToSigned<D> di;
  const auto bits = hn::BitCast(di, x);
  constexpr int32_t sqrt_half = 0x3f3504f3;  // splits off the power of two that leaves sqrt(1/2)..sqrt(2)
  const auto exponent = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, sqrt_half)));
  const V mantissa = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(exponent)));
  return hn::Add(hn::ConvertTo(d, exponent), log2_1p(d, hn::Sub(mantissa, hn::Set(d, 1.0f))));
}

// 2^0 = 1 exactly. y is clamped to what has a normal result.
template <class D, class V>
HWY_INLINE V exp2_of(D d, V y) {
  const hn::RebindToSigned<D> di;
  y = hn::Clamp(y, hn::Set(d, -126.0f), hn::Set(d, 126.0f));
  const auto n = hn::NearestInt(y);
  const V power = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n, hn::Set(di, 127))));
  return hn::Mul(power, hn::Add(exp2_m1(d, hn::Sub(y, hn::ConvertTo(d, n))), hn::Set(d, 1.0f)));
}

// x >= 0; next to nothing becomes 0.
template <class D, class V>
HWY_INLINE V pow_of(D d, V x, float exponent) {
  const V result = exp2_of(d, hn::Mul(log2_of(d, x), hn::Set(d, exponent)));
  return hn::IfThenElseZero(hn::Gt(x, hn::Set(d, 1e-30f)), result);
}

template <class D, class V>
HWY_INLINE V unit(D d, V x) {
  return hn::Clamp(x, hn::Zero(d), hn::Set(d, 1.0f));
}

// The curves that mirror negative values are applied to |x|.
template <class D, class V>
HWY_INLINE V srgb_to_light(D d, V x) {
  const V curve = pow_of(
      d, mul_add(d, x, hn::Set(d, static_cast<float>(1 / 1.055)), hn::Set(d, static_cast<float>(0.055 / 1.055))), 2.4f);
  return hn::IfThenElse(hn::Le(x, hn::Set(d, 0.04045f)), hn::Mul(x, hn::Set(d, static_cast<float>(1 / 12.92))), curve);
}

template <class D, class V>
HWY_INLINE V light_to_srgb(D d, V x) {
  const V curve = mul_add(d, pow_of(d, x, static_cast<float>(1 / 2.4)), hn::Set(d, 1.055f), hn::Set(d, -0.055f));
  return hn::IfThenElse(hn::Le(x, hn::Set(d, 0.0031308f)), hn::Mul(x, hn::Set(d, 12.92f)), curve);
}

// PQ raises numbers close to 1 to powers up to 79, which would magnify their rounding. Both directions therefore work
// on what is missing to 1: c2 - c3 = 1 - c1 makes that possible.
constexpr auto pq_rest = static_cast<float>(1 - pq::c1), pq_c3 = static_cast<float>(pq::c3);

template <class D, class V>
HWY_INLINE V pq_to_light(D d, V x) {
  constexpr auto root = static_cast<float>(1 / pq::m2);
  // Zero, and what lies so far below that it is black anyway, ends at 2^-0.5.
  const V exponent = hn::Max(hn::Mul(log2_of(d, hn::Max(x, hn::Set(d, 1e-30f))), hn::Set(d, root)), hn::Set(d, -0.5f));
  const V q = exp2_m1(d, exponent);  // N^(1/m2) - 1
  const V numerator = hn::Max(hn::Add(q, hn::Set(d, pq_rest)), hn::Zero(d));
  const V denominator = hn::Sub(hn::Set(d, pq_rest), hn::Mul(q, hn::Set(d, pq_c3)));
  return pow_of(d, hn::Div(numerator, denominator), static_cast<float>(1 / pq::m1));
}

template <class D, class V>
HWY_INLINE V light_to_pq(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V p = pow_of(d, x, static_cast<float>(pq::m1));
  const V t = hn::Div(hn::Mul(hn::Sub(p, one), hn::Set(d, pq_rest)), mul_add(d, p, hn::Set(d, pq_c3), one));
  return exp2_of(d, hn::Mul(log2_1p(d, t), hn::Set(d, static_cast<float>(pq::m2))));
}

constexpr double ln2 = 0.693147180559945309;

template <class D, class V>
HWY_INLINE V hlg_to_light(D d, V x) {
  const V square = hn::Mul(hn::Mul(x, x), hn::Set(d, static_cast<float>(1.0 / 3)));
  const V exponent =
      hn::Mul(hn::Sub(x, hn::Set(d, static_cast<float>(hlg::c))), hn::Set(d, static_cast<float>(1 / (hlg::a * ln2))));
  const V curve = hn::Mul(hn::Add(exp2_of(d, exponent), hn::Set(d, static_cast<float>(hlg::b))),
                          hn::Set(d, static_cast<float>(1.0 / 12)));
  return hn::IfThenElse(hn::Le(x, hn::Set(d, 0.5f)), square, curve);
}

template <class D, class V>
HWY_INLINE V light_to_hlg(D d, V x) {
  const V root = hn::Sqrt(hn::Mul(x, hn::Set(d, 3.0f)));
  const V twelve = hn::Sub(hn::Mul(x, hn::Set(d, 12.0f)), hn::Set(d, static_cast<float>(hlg::b)));
  const V curve = mul_add(d, log2_of(d, hn::Max(twelve, hn::Set(d, 0.5f))),
                          hn::Set(d, static_cast<float>(hlg::a * ln2)), hn::Set(d, static_cast<float>(hlg::c)));
  return hn::IfThenElse(hn::Le(x, hn::Set(d, static_cast<float>(1.0 / 12))), root, curve);
}

enum class Direction { decode, encode };

// Sane input: NaN is 0, and nothing is so large that an exponent overflows.
template <class D>
HWY_INLINE hn::Vec<D> load_signal(D d, const float* p) {
  const auto x = hn::LoadU(d, p);
  return hn::IfThenElseZero(hn::Eq(x, x), hn::Clamp(x, hn::Set(d, -64.0f), hn::Set(d, 64.0f)));
}

// Calls f with the curve as a function of (tag, vector); which one is decided once for a row.
template <Direction direction, class F>
HWY_INLINE void with_curve(const ColorCurve& curve, const F& f) {
  const auto mirrored = [](auto d, auto x, const auto& of_positive)
                            HWY_ATTR { return hn::CopySign(of_positive(d, hn::Abs(x)), x); };
  switch (curve.kind) {
    case ColorCurve::Kind::linear: f([](auto, auto x) HWY_ATTR { return x; }); break;
    case ColorCurve::Kind::power: {
      const float exponent = curve.exponent;
      f([=](auto d, auto x)
            HWY_ATTR { return mirrored(d, x, [=](auto tag, auto y) HWY_ATTR { return pow_of(tag, y, exponent); }); });
      break;
    }
    case ColorCurve::Kind::srgb:
      f([=](auto d, auto x) HWY_ATTR {
        return mirrored(d, x, [](auto tag, auto y) HWY_ATTR {
          if constexpr (direction == Direction::decode)
            return srgb_to_light(tag, y);
          else
            return light_to_srgb(tag, y);
        });
      });
      break;
    case ColorCurve::Kind::pq:
      f([](auto d, auto x) HWY_ATTR {
        if constexpr (direction == Direction::decode)
          return pq_to_light(d, unit(d, x));
        else
          return light_to_pq(d, unit(d, x));
      });
      break;
    case ColorCurve::Kind::hlg:
      f([](auto d, auto x) HWY_ATTR {
        if constexpr (direction == Direction::decode)
          return hlg_to_light(d, unit(d, x));
        else
          return light_to_hlg(d, unit(d, x));
      });
      break;
  }
}

constexpr size_t block = 512;  // pixels whose light fits the first-level cache; a multiple of every vector

// Multiplies by a power of luminance.
template <class D, class V>
HWY_INLINE void apply_ootf(D d, float exponent, V (&rgb)[3]) {
  if (exponent == 0) return;
  const V luminance = hn::Add(hn::Add(hn::Mul(rgb[0], hn::Set(d, 0.2627f)), hn::Mul(rgb[1], hn::Set(d, 0.6780f))),
                              hn::Mul(rgb[2], hn::Set(d, 0.0593f)));
  const V gain = pow_of(d, luminance, exponent);
  for (V& x : rgb) x = hn::Mul(x, gain);
}

// Multiplies by the gain of the largest component.
template <class D, class V>
HWY_INLINE void apply_gain(D d, const ColorPlan& plan, V (&rgb)[3]) {
  const hn::RebindToSigned<D> di;
  const V largest = hn::Max(hn::Max(rgb[0], rgb[1]), rgb[2]);
  const V position = hn::Mul(hn::Sqrt(hn::Sqrt(largest)), hn::Set(d, static_cast<float>(plan.gain_steps)));
  const auto index = hn::Min(hn::ConvertTo(di, position), hn::Set(di, plan.gain_steps - 1));
  const V low = hn::GatherIndex(d, plan.gain, index), high = hn::GatherIndex(d, plan.gain + 1, index);
  const V gain = mul_add(d, hn::Sub(position, hn::ConvertTo(d, index)), hn::Sub(high, low), low);
  for (V& x : rgb) x = hn::Mul(x, gain);
}

// Draws colours towards their gray, as color/gamut_map.h has it.
template <class D, class V>
HWY_INLINE void desaturate(D d, float bend, V (&rgb)[3]) {
  const auto& weights = bt709_luminance_weights;
  V y = hn::Mul(rgb[0], hn::Set(d, static_cast<float>(weights[0])));
  y = mul_add(d, rgb[1], hn::Set(d, static_cast<float>(weights[1])), y);
  y = mul_add(d, rgb[2], hn::Set(d, static_cast<float>(weights[2])), y);
  const V safe_y = hn::Max(y, hn::Set(d, 1e-30f)), one = hn::Set(d, 1.0f);
  const V start = hn::Set(d, static_cast<float>(GamutMap::desaturation_start));
  const V saturation = hn::Sub(one, hn::Div(hn::Min(hn::Min(rgb[0], rgb[1]), rgb[2]), safe_y));
  const V beyond = hn::Max(hn::Sub(saturation, start), hn::Zero(d));
  const V compressed = hn::Add(start, hn::Div(beyond, mul_add(d, beyond, hn::Set(d, 1 / bend), one)));
  const V keep = hn::IfThenElse(hn::Gt(saturation, start), hn::Div(compressed, saturation), one);
  for (V& x : rgb) x = mul_add(d, keep, hn::Sub(x, y), y);
}

// Light in place, for whole vectors: `light` has room for them.
HWY_INLINE void mix_light(const ColorPlan& plan, size_t n, float (&light)[3][block]) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    V in[3], out[3];
    for (int c = 0; c < 3; ++c) {
      in[c] = hn::LoadU(d, light[c] + i);
      if (plan.brightest > 0)
        in[c] = hn::Clamp(hn::Mul(in[c], hn::Set(d, plan.decoded_scale)), hn::Zero(d), hn::Set(d, plan.brightest));
    }
    apply_ootf(d, plan.ootf, in);
    if (plan.gain) apply_gain(d, plan, in);
    for (int c = 0; c < 3; ++c) {
      out[c] = in[c];
      if (plan.mix)
        out[c] = hn::Add(
            hn::Add(hn::Mul(in[0], hn::Set(d, plan.matrix[c][0])), hn::Mul(in[1], hn::Set(d, plan.matrix[c][1]))),
            hn::Mul(in[2], hn::Set(d, plan.matrix[c][2])));
      if (plan.inverse_ootf != 0) out[c] = hn::Max(out[c], hn::Zero(d));
    }
    if (plan.desaturation_bend > 0) desaturate(d, plan.desaturation_bend, out);
    apply_ootf(d, plan.inverse_ootf, out);
    for (int c = 0; c < 3; ++c) hn::StoreU(hn::Mul(out[c], hn::Set(d, plan.encoded_scale)), d, light[c] + i);
  }
}

void ConvertColorRow(const ColorPlan& plan, size_t n, float* const (&rgb)[3]) {
  HWY_ALIGN float light[3][block] = {};
  for (size_t begin = 0; begin < n; begin += block) {
    const size_t count = std::min(block, n - begin);
    with_curve<Direction::decode>(plan.decode, [&](const auto& curve) HWY_ATTR {
      for (int c = 0; c < 3; ++c) {
        const float* from = rgb[c] + begin;
        for_each_vector(0, count, [&](auto d, size_t i) HWY_ATTR {
          hn::StoreU(curve(d, load_signal(d, from + i)), d, light[c] + i);
        });
      }
    });
    mix_light(plan, count, light);
    with_curve<Direction::encode>(plan.encode, [&](const auto& curve) HWY_ATTR {
      for (int c = 0; c < 3; ++c) {
        float* to = rgb[c] + begin;
        for_each_vector(0, count, [&](auto d, size_t i) HWY_ATTR {
          const auto signal = curve(d, hn::LoadU(d, light[c] + i));
          hn::StoreU(hn::Clamp(signal, hn::Set(d, plan.lowest), hn::Set(d, plan.highest)), d, to + i);
        });
      }
    });
  }
}

}  // namespace framelift::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace framelift {

HWY_EXPORT(ConvertColorRow);

void convert_color_row(const ColorPlan& plan, size_t n, float* const (&rgb)[3]) {
  HWY_DYNAMIC_DISPATCH(ConvertColorRow)(plan, n, rgb);
}

}  // namespace framelift
#endif
