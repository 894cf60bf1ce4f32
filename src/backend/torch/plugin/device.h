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

// One line per device: "cpu: AVX512", "cuda:0: NVIDIA H200".
std::vector<std::string> describe_devices();

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
