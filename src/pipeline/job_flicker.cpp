#include "pipeline/job_flicker.h"

#include <utility>

#include "color/transfer.h"

namespace framelift {
namespace {

// What the network is given: its own colours, unless that would mean tone mapping (see plan_reader).
ColorInfo network_colors(const VideoJob& job, const JobPlan& plan) {
  const auto& wanted = job.network->contract.input_color;
  return wanted && !is_hdr(plan.input_color.transfer) ? *wanted : plan.input_color;
}

// The input pixels that a region of the output is made from.
Region before_scaling(const Region& r, int scale) {
  const int x = r.x / scale, y = r.y / scale;
  return {x, y, r.right() / scale - x, r.bottom() / scale - y};
}

}  // namespace

JobFlicker::JobFlicker(const VideoJob& job, const JobPlan& plan, size_t slots)
    : scale_(job.network->contract.scale),
      before_(network_colors(job, plan), job.peak_nits),
      after_(plan.sink.color, job.peak_nits),
      sources_(slots) {}

void JobFlicker::add_input(const TensorView& input, const Tile& tile) {
  if (std::exchange(first_tile_, false)) cut_ = cuts_.is_cut(input);
  before_.add(input, before_scaling(tile.covered, scale_), before_scaling(tile.written, scale_));
}

void JobFlicker::end_input(int slot) {
  sources_[static_cast<size_t>(slot)] = {before_.end_frame(), cut_};
  first_tile_ = true;
}

void JobFlicker::end_output(int slot) {
  const Source& source = sources_[static_cast<size_t>(slot)];
  meter_.add(source.nits, after_.end_frame(), source.cut);
}

}  // namespace framelift
