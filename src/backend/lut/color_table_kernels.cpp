#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/lut/color_table_kernels.cpp"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <atomic>

#include "backend/lut/color_table_kernels.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace framelift::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

void ApplyColorTable(const ColorGrid& grid, const float* table, const float* const (&src)[3], size_t n,
                     float* const (&dst)[3]) {
  apply_color_table_reference(grid, table, src, n, dst);
}
void MarkColorTable(const ColorGrid& grid, uint8_t* states, const float* const (&src)[3], size_t n) {
  mark_color_table_reference(grid, states, src, n);
}

#else

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using VI = hn::Vec<hn::RebindToSigned<D> >;
constexpr size_t max_lanes = hn::MaxLanes(D());

struct Steps {
  explicit Steps(const ColorGrid& grid) : axis{grid.red_step(), grid.green_step(), 1} {}
  int axis[3];
  int to_bright() const { return axis[0] + axis[1] + axis[2]; }
};

// The points that a vector of pixels lies between, and how much each counts.
struct Corners {
  HWY_ALIGN int32_t point[4][max_lanes];
  HWY_ALIGN float weight[4][max_lanes];
};

struct Place {
  VI offset;
  V fraction;
};

HWY_INLINE Place locate(const ColorGrid& grid, V x, int step) {
  const D d;
  const hn::RebindToSigned<D> di;
  const V inside = hn::Min(hn::IfThenElseZero(hn::Gt(x, hn::Zero(d)), x), hn::Set(d, 1.0f));  // NaN becomes 0
  const V low = hn::Mul(hn::Set(d, grid.low_rate), inside);
  const V middle = hn::Add(hn::Mul(hn::Set(d, grid.rate), inside), hn::Set(d, grid.low_offset));
  const V high = hn::Add(hn::Mul(hn::Set(d, grid.high_rate), inside), hn::Set(d, grid.high_offset));
  const V at = hn::Max(hn::Min(low, middle), high);
  const VI cell = hn::Min(hn::ConvertTo(di, at), hn::Set(di, grid.points - 2));
  return {hn::Mul(cell, hn::Set(di, step)), hn::Sub(at, hn::ConvertTo(d, cell))};
}

// From a cell's dark corner to its bright one along the axes in the order of falling fractions: three steps pass four
// corners, those of the tetrahedron that holds the pixel.
template <bool weights>
HWY_INLINE void find_corners(const ColorGrid& grid, const Steps& steps, const float* const (&src)[3], size_t i,
                             Corners& out) {
  const D d;
  const hn::RebindToSigned<D> di;
  const Place r = locate(grid, hn::LoadU(d, src[0] + i), steps.axis[0]);
  const Place g = locate(grid, hn::LoadU(d, src[1] + i), steps.axis[1]);
  const Place b = locate(grid, hn::LoadU(d, src[2] + i), steps.axis[2]);
  const VI dark = hn::Add(hn::Add(r.offset, g.offset), b.offset);
  const VI bright = hn::Add(dark, hn::Set(di, steps.to_bright()));

  const V low_rg = hn::Min(r.fraction, g.fraction), high_rg = hn::Max(r.fraction, g.fraction);
  const V largest = hn::Max(high_rg, b.fraction), smallest = hn::Min(low_rg, b.fraction);
  const VI step_r = hn::Set(di, steps.axis[0]), step_g = hn::Set(di, steps.axis[1]),
           step_b = hn::Set(di, steps.axis[2]);
  const auto is = [&](V fraction, V which) HWY_ATTR { return hn::RebindMask(di, hn::Eq(fraction, which)); };
  const VI first =
      hn::IfThenElse(is(r.fraction, largest), step_r, hn::IfThenElse(is(g.fraction, largest), step_g, step_b));
  const VI third =
      hn::IfThenElse(is(b.fraction, smallest), step_b, hn::IfThenElse(is(g.fraction, smallest), step_g, step_r));

  hn::Store(dark, di, out.point[0]);
  hn::Store(hn::Add(dark, first), di, out.point[1]);
  hn::Store(hn::Sub(bright, third), di, out.point[2]);
  hn::Store(bright, di, out.point[3]);
  if constexpr (weights) {
    const V middle = hn::Max(low_rg, hn::Min(high_rg, b.fraction));
    hn::Store(hn::Sub(hn::Set(d, 1.0f), largest), d, out.weight[0]);
    hn::Store(hn::Sub(largest, middle), d, out.weight[1]);
    hn::Store(hn::Sub(middle, smallest), d, out.weight[2]);
    hn::Store(smallest, d, out.weight[3]);
  }
}

// One pixel's colour in one vector. Loads of whole points are faster than gathers of single values, and the weights
// come broadcast from memory for nothing. Products and sums are separate, so that all instruction sets round alike.
HWY_INLINE hn::Vec<hn::FixedTag<float, 4> > mix(const float* table, const Corners& corners, size_t i) {
  const hn::FixedTag<float, 4> d4;
  const auto part = [&](int k) HWY_ATTR {
    const float* const point = table + 4 * static_cast<ptrdiff_t>(corners.point[k][i]);
    return hn::Mul(hn::Load(d4, point), hn::Set(d4, corners.weight[k][i]));
  };
  return hn::Add(hn::Add(part(0), part(1)), hn::Add(part(2), part(3)));
}

HWY_INLINE void color_pixels(const float* table, const Corners& corners, float* const (&dst)[3], size_t i) {
  const hn::FixedTag<float, 4> d4;
  for (size_t k = 0; k < hn::Lanes(D()); k += 4) {
    const auto p0 = mix(table, corners, k), p1 = mix(table, corners, k + 1);
    const auto p2 = mix(table, corners, k + 2), p3 = mix(table, corners, k + 3);
    const auto rg01 = hn::InterleaveLower(d4, p0, p1), rg23 = hn::InterleaveLower(d4, p2, p3);
    const auto b01 = hn::InterleaveUpper(d4, p0, p1), b23 = hn::InterleaveUpper(d4, p2, p3);
    hn::StoreU(hn::ConcatLowerLower(d4, rg23, rg01), d4, dst[0] + i + k);
    hn::StoreU(hn::ConcatUpperUpper(d4, rg23, rg01), d4, dst[1] + i + k);
    hn::StoreU(hn::ConcatLowerLower(d4, b23, b01), d4, dst[2] + i + k);
  }
}

// Pixels that do not fill a vector, repeated to fill one.
struct Remainder {
  HWY_ALIGN float rgb[3][max_lanes];
  Remainder(const float* const (&src)[3], size_t i, size_t n) {
    for (int c = 0; c < 3; ++c)
      for (size_t k = 0; k < max_lanes; ++k) rgb[c][k] = src[c][std::min(i + k, n - 1)];
  }
};

void ApplyColorTable(const ColorGrid& shared_grid, const float* table, const float* const (&src)[3], size_t n,
                     float* const (&dst)[3]) {
  // Copies, so that the compiler knows that no store changes them.
  const ColorGrid grid = shared_grid;
  const Steps steps(grid);
  const float* const from[3] = {src[0], src[1], src[2]};
  float* const to[3] = {dst[0], dst[1], dst[2]};
  const size_t lanes = hn::Lanes(D());
  Corners corners;
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    find_corners<true>(grid, steps, from, i, corners);
    color_pixels(table, corners, to, i);
  }
  if (i == n) return;
  const Remainder rest(from, i, n);
  HWY_ALIGN float out[3][max_lanes];
  find_corners<true>(grid, steps, {rest.rgb[0], rest.rgb[1], rest.rgb[2]}, 0, corners);
  color_pixels(table, corners, {out[0], out[1], out[2]}, 0);
  for (int c = 0; c < 3; ++c) std::copy_n(out[c], n - i, to[c] + i);
}

HWY_INLINE void mark(uint8_t* states, const Corners& corners) {
  for (const auto& points : corners.point)
    for (size_t k = 0; k < hn::Lanes(D()); ++k) {
      // Threads may mark the same point at once. Only the first writes: neighbouring states share cache lines.
      std::atomic_ref<uint8_t> state(states[points[k]]);
      if (state.load(std::memory_order_relaxed) == 0) state.store(1, std::memory_order_relaxed);
    }
}

void MarkColorTable(const ColorGrid& shared_grid, uint8_t* states, const float* const (&src)[3], size_t n) {
  const ColorGrid grid = shared_grid;
  const Steps steps(grid);
  const float* const from[3] = {src[0], src[1], src[2]};
  const size_t lanes = hn::Lanes(D());
  Corners corners;
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    find_corners<false>(grid, steps, from, i, corners);
    mark(states, corners);
  }
  if (i == n) return;
  const Remainder rest(from, i, n);
  find_corners<false>(grid, steps, {rest.rgb[0], rest.rgb[1], rest.rgb[2]}, 0, corners);
  mark(states, corners);
}

#endif

}  // namespace framelift::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace framelift {

HWY_EXPORT(ApplyColorTable);
HWY_EXPORT(MarkColorTable);

void apply_color_table(const ColorGrid& grid, const float* table, const float* const (&src)[3], size_t n,
                       float* const (&dst)[3]) {
  HWY_DYNAMIC_DISPATCH(ApplyColorTable)(grid, table, src, n, dst);
}

void mark_color_table(const ColorGrid& grid, uint8_t* states, const float* const (&src)[3], size_t n) {
  HWY_DYNAMIC_DISPATCH(MarkColorTable)(grid, states, src, n);
}

}  // namespace framelift
#endif
