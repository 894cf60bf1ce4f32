// What a network is shown while it is quantised and judged: pictures out of clips and still pictures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "network/network.h"
#include "quantize/post_training.h"

namespace framelift {

struct SampleOptions {
  std::vector<std::string> sources;  // whatever open_source reads
  int pictures = 6;                  // over all sources, as evenly as their lengths allow
  int width = 192, height = 128;     // of the parts that the network is shown; pictures that are smaller limit it
  // Where in each source they are from, as shares of its length.
  double begin = 0, end = 1;
  bool consecutive = false;  // neighbouring frames, the same part of each, from `begin` on, as flicker needs them
  uint64_t seed = 42;        // of the parts' places
  int threads = 0;
};

struct SamplePictures {
  std::vector<SampleInputs> inputs;  // [1,3,h,w] and what the network takes besides; all of one size
  std::vector<std::string> names;    // "clip.mp4 at 1.20 s", for messages
  // For networks that enlarge, when asked for: the pictures as they were before they were reduced to `inputs`.
  std::vector<Tensor> truth;
};

// Reads them in the network's colours. `with_truth`, of networks that enlarge: inputs are the pictures reduced by the
// network's factor. Errors: those of open_source; invalid_argument (a source without frames, pictures of which no
// part fits the network).
Result<SamplePictures> read_samples(const Network& network, Backend& backend, const SampleOptions& options,
                                    bool with_truth = false);

}  // namespace framelift
