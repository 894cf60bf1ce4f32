#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "postprocess/light_levels_kernels.cpp"
#include <iterator>

#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"
#include "postprocess/light_levels_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace framelift::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The largest channel, within 0..1; NaN and everything below 0 is 0, since no comparison with NaN holds.
template <class D>
HWY_INLINE hn::Vec<D> largest(D d, const float* r, const float* g, const float* b) {
  auto code = hn::Zero(d);
  for (const float* channel : {r, g, b}) {
    const auto v = hn::LoadU(d, channel);
    code = hn::IfThenElse(hn::Gt(v, code), v, code);
  }
  return hn::Min(code, hn::Set(d, 1.0f));
}

// ST 2084's EOTF without its two powers. The root of the light above code 1/16 (0.1 cd/m2) is a polynomial in
// 2 code - 1, fitted with the least relative error (8.6e-6 of the light); below, the root at 1/16 times s (0.859 +
// 0.141 s) with s = 16 code. Tables are slower: gathers take the time of a hundred additions.
constexpr float root_coefficients[] = {9.60450268f, 24.0576057f, 25.9035339f,  18.5959301f,  11.0216465f, 5.79716206f,
                                       2.74324465f, 1.17221546f, 0.619114876f, 0.372137338f, 0.112475589f};
constexpr float root_start = 1.0f / 16;

// The curve only rises, so the largest linear channel belongs to the largest code, and one evaluation a pixel suffices.
template <class D>
HWY_INLINE hn::Vec<D> nits(D d, hn::Vec<D> code) {
  const auto one = hn::Set(d, 1.0f);
  const auto t = hn::MulSub(hn::Max(code, hn::Set(d, root_start)), hn::Set(d, 2.0f), one);
  constexpr int degree = static_cast<int>(std::size(root_coefficients)) - 1;
  auto root = hn::Set(d, root_coefficients[degree]);
  for (int i = degree - 1; i >= 0; --i) root = hn::MulAdd(root, t, hn::Set(d, root_coefficients[i]));
  const auto s = hn::Min(hn::Mul(code, hn::Set(d, 1 / root_start)), one);
  root = hn::Mul(root, hn::Mul(s, hn::MulAdd(s, hn::Set(d, 0.141f), hn::Set(d, 0.859f))));
  return hn::Mul(root, root);
}

RowLight MeasureRow(const float* r, const float* g, const float* b, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto max = hn::Zero(d), sum = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto code = largest(d, r + i, g + i, b + i);
    max = hn::Max(max, code);
    sum = hn::Add(sum, nits(d, code));
  }
  const hn::CappedTag<float, 1> one;
  auto last_max = hn::Zero(one), last_sum = hn::Zero(one);
  for (; i < n; ++i) {
    const auto code = largest(one, r + i, g + i, b + i);
    last_max = hn::Max(last_max, code);
    last_sum = hn::Add(last_sum, nits(one, code));
  }
  const float vector_max = hn::GetLane(hn::MaxOfLanes(d, max)), vector_sum = hn::GetLane(hn::SumOfLanes(d, sum));
  const float rest_max = hn::GetLane(last_max);
  return {rest_max > vector_max ? rest_max : vector_max, vector_sum + hn::GetLane(last_sum)};
}

}  // namespace framelift::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace framelift {

HWY_EXPORT(MeasureRow);

RowLight measure_row(const float* r, const float* g, const float* b, size_t n) {
  return HWY_DYNAMIC_DISPATCH(MeasureRow)(r, g, b, n);
}

}  // namespace framelift
#endif
