#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "postprocess/mask/mask_kernels.cpp"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"
#include "postprocess/mask/mask_kernels.h"
#include "preprocess/simd_loop-inl.h"

HWY_BEFORE_NAMESPACE();
namespace framelift::HWY_NAMESPACE {

// Calls body(tag, i) once for every element, unlike for_each_vector: what is written may be read.
template <class T, class Body>
HWY_INLINE void for_each_once(T, size_t n, const Body& body) {
  const hn::ScalableTag<T> d;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) body(d, i);
  for (; i < n; ++i) body(hn::CappedTag<T, 1>(), i);
}

// Sums of 1, 2, 4, ... neighbours, of which those that make up the window are added.
void WindowSums(float* line, size_t n, size_t window, float* sums) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t begin = 0;
  for (size_t width = 1; width <= window; width *= 2) {
    if (window & width) {
      for (size_t i = 0; i < n; i += lanes) {
        const auto part = hn::LoadU(d, line + i + begin);
        hn::StoreU(begin == 0 ? part : hn::Add(hn::LoadU(d, sums + i), part), d, sums + i);
      }
      begin += width;
    }
    if (2 * width > window) break;
    for (size_t i = 0; i + 2 * width <= n + window; i += lanes)
      hn::StoreU(hn::Add(hn::LoadU(d, line + i), hn::LoadU(d, line + i + width)), d, line + i);
  }
}

void SlideColumn(const float* in, const float* out, double scale, size_t n, double* HWY_RESTRICT column, float* means) {
  for_each_once(double{}, n, [&](auto d, size_t i) HWY_ATTR {
    const hn::Rebind<float, decltype(d)> narrow;
    const auto change =
        hn::Sub(hn::PromoteTo(d, hn::LoadU(narrow, in + i)), hn::PromoteTo(d, hn::LoadU(narrow, out + i)));
    const auto sum = hn::Add(hn::LoadU(d, column + i), change);
    hn::StoreU(sum, d, column + i);
    hn::StoreU(hn::DemoteTo(narrow, hn::Mul(sum, hn::Set(d, scale))), narrow, means + i);
  });
}

// NaN becomes 0.
template <class D, class V>
HWY_INLINE V unit(D d, V v) {
  return hn::Min(hn::IfThenElseZero(hn::Gt(v, hn::Zero(d)), v), hn::Set(d, 1.0f));
}

void AddUnitRow(const float* HWY_RESTRICT row, size_t n, float* HWY_RESTRICT sums) {
  for_each_once(float{}, n, [&](auto d, size_t i) HWY_ATTR {
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), unit(d, hn::LoadU(d, row + i))), d, sums + i);
  });
}

// In double precision: colours that vary together leave a covariance that is nearly singular.
void InvertCovariances(float epsilon, size_t n, size_t stride, float* statistics) {
  for_each_once(double{}, n, [&](auto d, size_t i) HWY_ATTR {
    const hn::Rebind<float, decltype(d)> narrow;
    const auto load = [&](size_t plane) HWY_ATTR { return hn::LoadU(narrow, statistics + plane * stride + i); };
    // Rounding may leave a variance a little below 0.
    const auto covariance = [&](size_t plane, size_t x, size_t y) HWY_ATTR {
      const auto m = hn::Sub(load(plane), hn::Mul(load(x), load(y)));
      return hn::PromoteTo(d, x == y ? hn::Add(hn::Max(m, hn::Zero(narrow)), hn::Set(narrow, epsilon)) : m);
    };
    const auto a = covariance(3, 0, 0), b = covariance(4, 0, 1), c = covariance(5, 0, 2);
    const auto e = covariance(6, 1, 1), f = covariance(7, 1, 2), g = covariance(8, 2, 2);
    const auto minor = [&](auto p, auto q, auto r, auto s) HWY_ATTR { return hn::Sub(hn::Mul(p, q), hn::Mul(r, s)); };
    const auto i00 = minor(e, g, f, f), i01 = minor(c, f, b, g), i02 = minor(b, f, c, e);
    const auto determinant = hn::MulAdd(a, i00, hn::MulAdd(b, i01, hn::Mul(c, i02)));
    const auto scale = hn::Div(hn::Set(d, 1.0), determinant);
    const auto store = [&](size_t plane, auto v) HWY_ATTR {
      hn::StoreU(hn::DemoteTo(narrow, hn::Mul(v, scale)), narrow, statistics + plane * stride + i);
    };
    store(3, i00);
    store(4, i01);
    store(5, i02);
    store(6, minor(a, g, c, c));
    store(7, minor(b, c, a, f));
    store(8, minor(a, e, b, b));
  });
}

void FitWindows(const float* HWY_RESTRICT statistics, size_t n, size_t stride, float* HWY_RESTRICT fit) {
  for_each_once(float{}, n, [&](auto d, size_t i) HWY_ATTR {
    const auto of = [&](size_t plane) HWY_ATTR { return hn::LoadU(d, statistics + plane * stride + i); };
    const auto mean = hn::LoadU(d, fit + 3 * stride + i);
    const auto with = [&](size_t c) HWY_ATTR { return hn::NegMulAdd(of(c), mean, hn::LoadU(d, fit + c * stride + i)); };
    const auto r = with(0), g = with(1), b = with(2);
    auto offset = mean;
    const auto slope = [&](size_t c, size_t of_r, size_t of_g, size_t of_b) HWY_ATTR {
      const auto a = hn::MulAdd(of(of_r), r, hn::MulAdd(of(of_g), g, hn::Mul(of(of_b), b)));
      hn::StoreU(a, d, fit + c * stride + i);
      offset = hn::NegMulAdd(a, of(c), offset);
    };
    slope(0, 3, 4, 5);
    slope(1, 4, 6, 7);
    slope(2, 5, 7, 8);
    hn::StoreU(offset, d, fit + 3 * stride + i);
  });
}

void DoStretchRow(const StretchRow& at, const float* HWY_RESTRICT row, size_t n, float* HWY_RESTRICT out) {
  for_each_vector(0, n, [&](auto d, size_t i) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> indices;
    const auto low = hn::GatherIndex(d, row, hn::LoadU(indices, at.low + i));
    const auto high = hn::GatherIndex(d, row, hn::LoadU(indices, at.high + i));
    hn::StoreU(hn::MulAdd(hn::Sub(high, low), hn::LoadU(d, at.weight + i), low), d, out + i);
  });
}

void GuidedRow(const FitRows& fit, const float* const* guide, const MatteEdges& edges, size_t n,
               float* HWY_RESTRICT out) {
  const FitRows f = fit;
  const float contrast = edges.contrast;
  const bool hard = edges.hard;
  for_each_vector(0, n, [&](auto d, size_t i) HWY_ATTR {
    const auto between = [&](size_t plane) HWY_ATTR {
      const auto upper = hn::LoadU(d, f.upper + plane * f.stride + i);
      const auto step = hn::Sub(hn::LoadU(d, f.lower + plane * f.stride + i), upper);
      return hn::MulAdd(step, hn::Set(d, f.weight), upper);
    };
    auto v = between(3);
    if (guide)
      for (size_t c = 0; c < 3; ++c) v = hn::MulAdd(between(c), unit(d, hn::LoadU(d, guide[c] + i)), v);
    const auto half = hn::Set(d, 0.5f);
    if (hard)
      v = hn::IfThenElseZero(hn::Ge(v, half), hn::Set(d, 1.0f));
    else
      v = unit(d, hn::MulAdd(hn::Sub(v, half), hn::Set(d, contrast), half));
    hn::StoreU(v, d, out + i);
  });
}

}  // namespace framelift::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace framelift {

HWY_EXPORT(WindowSums);
HWY_EXPORT(SlideColumn);
HWY_EXPORT(AddUnitRow);
HWY_EXPORT(InvertCovariances);
HWY_EXPORT(FitWindows);
HWY_EXPORT(DoStretchRow);
HWY_EXPORT(GuidedRow);

void window_sums(float* line, size_t n, size_t window, float* sums) {
  HWY_DYNAMIC_DISPATCH(WindowSums)(line, n, window, sums);
}

void slide_column(const float* in, const float* out, double scale, size_t n, double* column, float* means) {
  HWY_DYNAMIC_DISPATCH(SlideColumn)(in, out, scale, n, column, means);
}

void add_unit_row(const float* row, size_t n, float* sums) { HWY_DYNAMIC_DISPATCH(AddUnitRow)(row, n, sums); }

void invert_covariances(float epsilon, size_t n, size_t stride, float* statistics) {
  HWY_DYNAMIC_DISPATCH(InvertCovariances)(epsilon, n, stride, statistics);
}

void fit_windows(const float* statistics, size_t n, size_t stride, float* fit) {
  HWY_DYNAMIC_DISPATCH(FitWindows)(statistics, n, stride, fit);
}

void stretch_row(const StretchRow& at, const float* row, size_t n, float* out) {
  HWY_DYNAMIC_DISPATCH(DoStretchRow)(at, row, n, out);
}

void guided_row(const FitRows& fit, const float* const* guide, const MatteEdges& edges, size_t n, float* out) {
  HWY_DYNAMIC_DISPATCH(GuidedRow)(fit, guide, edges, n, out);
}

}  // namespace framelift
#endif
