// Where libtorch computes, and how its exceptions become errors.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace framelift {

// "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1". Loads libtorch_cuda.so the first time it is of use: loaded
// before the first question about GPUs, it makes the same library drive them. Errors: unsupported, with the reason.
Result<at::Device> parse_device(const std::string& text);

class CudaPart;
// What takes CUDA's headers (backend/torch/cuda); null where this build has it not, it cannot be loaded or there is no
// GPU. Without it layers are queued one by one, and pixels are converted on the CPU.
CudaPart* cuda_part();

// One line per device: "cpu: AVX512", "cuda:0: NVIDIA H100 80GB HBM3, compute capability 9.0, ...".
std::vector<std::string> describe_devices();

// Bytes of a GPU's memory that libtorch holds, in use or kept for reuse; 0 for the CPU.
int64_t device_bytes(const std::string& device);

// The first line of a libtorch exception; the rest is a stack trace.
Error error_of(const std::exception& e);

// Runs f, which returns a Status or Result, and turns libtorch's exceptions into errors.
template <class F>
auto guarded(F f) -> decltype(f()) {
  try {
    return f();
  } catch (const std::exception& e) {
    return fail(error_of(e));
  }
}

}  // namespace framelift
