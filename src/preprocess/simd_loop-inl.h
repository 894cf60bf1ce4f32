// What the row kernels of preprocess/ and postprocess/ share. Included once for each Highway target, hence no ordinary
// include guard.
#if defined(FRAMELIFT_PREPROCESS_SIMD_LOOP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FRAMELIFT_PREPROCESS_SIMD_LOOP_INL_H_
#undef FRAMELIFT_PREPROCESS_SIMD_LOOP_INL_H_
#else
#define FRAMELIFT_PREPROCESS_SIMD_LOOP_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace framelift::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls body(tag, i) so that every index in begin..n-1 is computed and nothing at or beyond n is touched. The last
// vector overlaps the one before it: `body` must not read what it writes. Single elements come with a one-lane tag.
// `Even`: vectors only start at begin plus an even number.
template <bool Even = false, class Body>
HWY_INLINE void for_each_vector(size_t begin, size_t n, const Body& body) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const size_t lanes = hn::Lanes(d);
  size_t i = begin;
  if (n < begin + lanes) {
    for (; i < n; ++i) body(one, i);
    return;
  }
  for (; i + lanes <= n; i += lanes) body(d, i);
  if (i == n) return;
  size_t last = n - lanes;
  if (Even && (last - begin) % 2) {
    body(one, n - 1);
    --last;
  }
  body(d, last);
}

}  // namespace framelift::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
