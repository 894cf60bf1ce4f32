// What each op states once: its name, its shape rule, its cost, and how far it looks.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "graph/graph.h"

namespace framelift {

// "conv2d", "pixel_shuffle", ...
std::string_view op_name(const Op& op);

// The output's shape, or what is wrong with the inputs (count, rank, channels, divisibility, absurd sizes).
Result<Shape> infer_shape(const Op& op, std::span<const Shape> inputs);

// Floating-point operations of one run: a multiply-add counts as two, as in published figures.
int64_t op_flops(const Op& op, std::span<const Shape> inputs, const Shape& output);

// How the op's output pixels depend on the pixels of one of its inputs, per axis (0: y, 1: x).
// Output pixel o reads input pixels  floor(o * step_num / step_den) + [-before, after].
struct PixelReach {
  int step_num = 1, step_den = 1;
  int before = 0, after = 0;
  bool global = false;  // every output depends on every input pixel
};
PixelReach op_reach(const Op& op, std::span<const Shape> inputs, int axis);

}  // namespace framelift
