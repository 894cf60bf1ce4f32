// Mixed precision by measurement: layers go back to floats, those that harm most first, until the output is good
// enough.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/cancellation.h"
#include "quantize/post_training.h"

namespace framelift {

struct RestoreOptions {
  double psnr = 42;  // of the output against the float network's, on the samples
  CompileOptions compile;
  std::function<void(const std::string& what, size_t done, size_t all)> on_step;
  const Cancellation* cancel = nullptr;
};

struct RestoreStep {
  std::string layer;         // that was restored; empty: none yet
  double psnr = 0;           // then, dB
  double integer_share = 0;  // of the multiply-adds of all convolutions
};

// Measures each layer's harm (the gain in PSNR when it alone is restored), then restores one after another. The steps
// begin with none; the last one has the PSNR that was asked for, unless no layer is left. `samples` and `expected`: as
// output_psnr() in gate.h.
Result<std::vector<RestoreStep>> restore_until_good(QuantizedNetwork& quantized, std::span<const SampleInputs> samples,
                                                    std::span<const Tensor> expected, Backend& backend,
                                                    const RestoreOptions& options);

// Share of the multiply-adds of a network's convolutions that are of integers.
Result<double> integer_share(const Network& network);

}  // namespace framelift
