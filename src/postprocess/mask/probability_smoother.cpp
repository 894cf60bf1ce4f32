#include "postprocess/mask/probability_smoother.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace framelift {

ProbabilitySmoother::ProbabilitySmoother(const Shape& shape, float strength, int lookahead)
    : strength_(strength),
      lookahead_(lookahead),
      entries_(static_cast<size_t>(lookahead) + 1),
      past_(DType::f32, shape),
      future_(DType::f32, shape) {
  for (Entry& e : entries_) e.probabilities = Tensor(DType::f32, shape);
}

ProbabilitySmoother::Entry& ProbabilitySmoother::append() { return entry(waiting_++); }

TensorView ProbabilitySmoother::add(bool cut) {
  Entry& added = append();
  added.seen = true;
  added.cut = cut;
  return added.probabilities.view();
}

void ProbabilitySmoother::add_unseen() {
  Entry& added = append();
  added.seen = added.cut = false;
}

template <class Around>
void ProbabilitySmoother::mix(const Tensor& p, Around around, float* mixed) const {
  const int64_t planes = p.shape()[1], pixels = p.shape()[2] * p.shape()[3];
  const float* from = p.as<float>();
  for (int64_t i = 0; i < pixels; ++i) {
    float largest = from[i];
    for (int64_t c = 1; c < planes; ++c) largest = std::max(largest, from[c * pixels + i]);
    // 1 when no class has more than half, 0 when one has all.
    const float share = strength_ * std::min(2 * (1 - largest), 1.0f);
    for (int64_t at = i; at < planes * pixels; at += pixels) mixed[at] = share * around(at) + (1 - share) * from[at];
  }
}

// Fills future_, from the last frame of the scene that has come to the first after the one at hand; how far away that
// is.
int ProbabilitySmoother::look_ahead() {
  int end = 1, distance = 0;
  while (end < waiting_ && !entry(end).cut) ++end;
  float* future = future_.as<float>();
  for (int i = end - 1; i > 0; --i) {
    const Entry& e = entry(i);
    if (!e.seen) continue;
    if (distance == 0)
      std::ranges::copy(e.probabilities.f32(), future);
    else
      mix(
          e.probabilities, [&](int64_t at) { return future[at]; }, future);
    distance = i;
  }
  return distance;
}

void ProbabilitySmoother::take(const TensorView& probabilities) {
  const Entry& now = entry(0);
  if (now.cut) past_distance_ = 0;
  const int before = past_distance_, after = look_ahead();
  float *past = past_.as<float>(), *out = probabilities.as<float>();
  const float* future = future_.as<float>();
  // Each side by how near it is.
  const float of_future = after == 0 ? 0 : static_cast<float>(before) / static_cast<float>(before + after);
  const auto both = [&](int64_t at) { return past[at] + (future[at] - past[at]) * of_future; };
  const auto only_past = [&](int64_t at) { return past[at]; };
  const auto only_future = [&](int64_t at) { return future[at]; };
  if (now.seen) {
    const Tensor& p = now.probabilities;
    if (before > 0 && after > 0)
      mix(p, both, out);
    else if (before > 0)
      mix(p, only_past, out);
    else if (after > 0)
      mix(p, only_future, out);
    else
      std::ranges::copy(p.f32(), out);
    if (before > 0)
      mix(p, only_past, past);
    else
      std::ranges::copy(p.f32(), past);
    past_distance_ = 1;
  } else {
    for (int64_t at = 0; at < past_.elements(); ++at) out[at] = after > 0 ? both(at) : past[at];
    ++past_distance_;
  }
  first_ = (first_ + 1) % static_cast<int>(entries_.size());
  --waiting_;
}

}  // namespace framelift
