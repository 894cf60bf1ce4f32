// Whether a quantised network may stand in for the float one: measured on pictures that it was not made with.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "network/network.h"
#include "quantize/sample_pictures.h"

namespace framelift {

// What the two networks' outputs differ by. Nothing: does not apply.
struct GateReport {
  double psnr = 0;                      // dB over R, G, B, values within [0, 1], of the mean squared error
  double psnr_y = 0;                    // of luma
  double ssim = 0;                      // of luma, mean
  std::optional<double> delta_e_itp;    // mean, of networks that make PQ
  std::optional<double> truth_loss;     // dB of PSNR against the pictures before they were reduced
  double worst_psnr = 0;                // of the worst picture
  std::string worst;                    // its name
  double color_shift[3] = {0, 0, 0};    // mean difference of R, G and B in code values of 10 bits, quantised - float
  std::optional<double> added_flicker;  // per cent, of neighbouring pictures; metrics/flicker.h
  int pictures = 0;
};

// Runs both on `samples`. The float network in f32, the quantised as it will be used. Errors: those of the backend.
Result<GateReport> measure_quantized(const Network& floating, const Network& quantized, const SamplePictures& samples,
                                     Backend& backend, const CompileOptions& compile);

struct GateBounds {
  double psnr = 42;                   // at least, against the float network
  std::optional<double> truth_loss;   // at most
  std::optional<double> color_shift;  // at most, of each channel
};
// What users of the task would not see: upscaling 42 dB and at most 0.2 dB of what the network is worth, HDR 45 dB and
// half a code value of 10 bits of colour.
GateBounds usual_bounds(const Network& network);

// What is out of bounds, a sentence each; empty: the network may be used.
std::vector<std::string> out_of_bounds(const GateReport& report, const GateBounds& bounds);

// A layer whose inputs leave the range that its integers stand for.
struct NarrowLayer {
  std::string weight;
  double beyond = 0;                  // share of the values
  float low = 0, high = 0;            // the range
  float seen_low = 0, seen_high = 0;  // of the values
};
// Those of which more than 1 % is beyond in the samples, the worst first: why a result is bad. Each is judged by what
// reaches it when no range cuts anything.
Result<std::vector<NarrowLayer>> narrow_layers(const Network& quantized, std::span<const SampleInputs> samples,
                                               Backend& backend, const CompileOptions& compile);

// PSNR of a quantised network's pictures against the float one's outputs, which are `expected`: for choosing layers.
Result<double> output_psnr(const Network& quantized, std::span<const SampleInputs> samples,
                           std::span<const Tensor> expected, Backend& backend, const CompileOptions& compile);
// A network's first output for each sample.
Result<std::vector<Tensor>> run_samples(const Network& network, std::span<const SampleInputs> samples, Backend& backend,
                                        const CompileOptions& compile);

}  // namespace framelift
