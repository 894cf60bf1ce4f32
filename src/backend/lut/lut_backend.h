// Networks that treat every pixel by itself (HDRTVNet++'s AGCM), as a table: the network is run on those points of a
// grid over the RGB cube that a frame's colours lie between, and all pixels are interpolated between them. A table is
// good for one set of the other inputs. An approximation, faster than the network itself; the registry's
// "auto" never chooses it.
//
// The picture's values are taken in [0, 1]; what is outside is clamped.
#pragma once

#include "backend/backend.h"
#include "backend/lut/color_table_kernels.h"

namespace framelift {

// For AGCM: its curves bend most near black and white, where many of its ReLUs switch. The coarsest grid tried
// that keeps real frames within 1/1023 (one code of 10-bit PQ) of the network; uniform steps of 1/256 do not. The table
// takes 200 MB whatever the size of the picture.
inline constexpr ColorGrid default_color_grid = ColorGrid::graded(512, 1.0f / 8, 128, 7.0f / 8, 512);

// Graphs without a picture in their output (what such a network wants to know of the whole frame) run unchanged on the
// openvino backend, so that one backend serves all of a network.
Backend& lut_backend();

// As the backend's compile, with another grid of 2 to 400 points per axis. The executable runs requests one after the
// other in the order of their start(), each on all threads.
Result<std::unique_ptr<Executable>> compile_table(const Graph& graph, const Parameters& parameters,
                                                  const CompileOptions& options, const ColorGrid& grid);

}  // namespace framelift
