#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "postprocess/light_levels_kernels.cpp"
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

// The curve only rises, so the largest linear channel belongs to the largest code, and one look-up a pixel suffices.
template <class D>
HWY_INLINE hn::Vec<D> nits(D d, hn::Vec<D> code, const float* table) {
  const hn::RebindToSigned<D> di;
  const auto at = hn::Mul(code, hn::Set(d, static_cast<float>(light_table_steps)));
  const auto index = hn::ConvertTo(di, at);
  const auto low = hn::GatherIndex(d, table, index), high = hn::GatherIndex(d, table + 1, index);
  return hn::MulAdd(hn::Sub(at, hn::ConvertTo(d, index)), hn::Sub(high, low), low);
}

RowLight MeasureRow(const float* r, const float* g, const float* b, size_t n, const float* table) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto max = hn::Zero(d), sum = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto code = largest(d, r + i, g + i, b + i);
    max = hn::Max(max, code);
    sum = hn::Add(sum, nits(d, code, table));
  }
  const hn::CappedTag<float, 1> one;
  auto last_max = hn::Zero(one), last_sum = hn::Zero(one);
  for (; i < n; ++i) {
    const auto code = largest(one, r + i, g + i, b + i);
    last_max = hn::Max(last_max, code);
    last_sum = hn::Add(last_sum, nits(one, code, table));
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

RowLight measure_row(const float* r, const float* g, const float* b, size_t n, const float* table) {
  return HWY_DYNAMIC_DISPATCH(MeasureRow)(r, g, b, n, table);
}

}  // namespace framelift
#endif
