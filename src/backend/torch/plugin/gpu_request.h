// Runs of a network on an NVIDIA GPU.
#pragma once

#include <c10/core/Stream.h>

#include <memory>
#include <utility>
#include <vector>

#include "backend/torch/plugin/program.h"

namespace framelift {

// A stream of the GPU and the memory of what is recorded on it, for the requests that take turns there.
struct Lane {
  c10::Stream stream;
  std::pair<uint64_t, uint64_t> pool;
};

// Lanes that work at the same time: copies of one overlap with layers of another.
std::vector<Lane> make_lanes(at::Device device, int count);

// Allocates all it needs, runs the layers once on zeros and records them where that can be done. Throws c10::Error.
std::unique_ptr<InferRequest> make_gpu_request(std::shared_ptr<const Program> program, const Lane& lane);

}  // namespace framelift
