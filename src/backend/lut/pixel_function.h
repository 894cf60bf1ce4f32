// Graphs that compute every output pixel from the same pixel of their picture alone.
#pragma once

#include "base/result.h"
#include "graph/graph.h"

namespace framelift {

// Success if the graph maps a picture [1,3,H,W], its first input, to one of the same shape, each pixel by the same
// function of its colour and of the other inputs. Otherwise the reason, to be shown to the user.
Status expect_pixel_function(const Graph& graph);

// The same graph for pictures of another size. For graphs that pass expect_pixel_function.
Result<Graph> with_picture_size(const Graph& graph, int height, int width);

}  // namespace framelift
