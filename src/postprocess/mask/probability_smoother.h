// Probabilities of classes that are steady over time.
#pragma once

#include <vector>

#include "frame/tensor.h"

namespace framelift {

// Smoothing that does not drag behind what moves: the frames around a frame count for `strength` where the network is
// undecided about it, and not at all where it is sure. Those before it always count; with a lookahead those after it
// count as much, so that the result lags neither. Nothing crosses a cut. Frames that the network has not seen are
// interpolated between the nearest that it has. One thread at a time; allocates nothing after its construction.
class ProbabilitySmoother {
 public:
  // `shape`: [1,C,H,W] of every frame; `strength`: 0 to below 1; `lookahead`: frames, at least 0.
  ProbabilitySmoother(const Shape& shape, float strength, int lookahead);

  // The next frame, at most `lookahead` + 1 before they are taken: where its probabilities are to be written, before
  // anything else is called. `cut`: a new scene begins with it, as with the very first.
  TensorView add(bool cut);
  // The next frame, of the same scene, without probabilities of its own.
  void add_unseen();

  // Whether a frame can be taken: all it looks ahead to is there, or `ended`, no more will come.
  bool ready(bool ended) const { return waiting_ > lookahead_ || (ended && waiting_ > 0); }
  // The earliest frame, which goes.
  void take(const TensorView& probabilities);

 private:
  struct Entry {
    Tensor probabilities;
    bool seen = false, cut = false;
  };
  Entry& entry(int i) { return entries_[static_cast<size_t>(first_ + i) % entries_.size()]; }
  Entry& append();
  int look_ahead();
  // mixed = p where it is sure, else towards `around(i)`. `mixed` may be `p`.
  template <class Around>
  void mix(const Tensor& p, Around around, float* mixed) const;

  float strength_;
  int lookahead_;
  std::vector<Entry> entries_;  // a ring
  int first_ = 0, waiting_ = 0;
  // What the frames before and after the one at hand come to, and how many frames away the nearest seen one is; 0:
  // there is none in its scene.
  Tensor past_, future_;
  int past_distance_ = 0;
};

}  // namespace framelift
