// Segmentation networks whose file holds the graph (WeightFile::graph), such as .tflite.
#pragma once

#include "network/network.h"

namespace framelift {

// One picture of a fixed size in; out one plane of scores per class, or one plane that ends in a sigmoid: the
// probability of a person. What such files do not say is the range of the picture: the first kind, from TensorFlow's
// model garden, is fed -1 to 1, the second, from MediaPipe, 0 to 1.
extern const Architecture file_graph;

}  // namespace framelift
