// What a camera does to light, step by step: from a linear HDR picture to the 8-bit picture somebody would have taken
// of it. Pure functions of their arguments, on R, G, B planes in place: f32 [1, 3, H, W], 1 = the brightest light that
// the camera records.
#pragma once

#include <array>
#include <cstdint>

#include "frame/tensor.h"

namespace framelift {

// The largest of R, G and B that `share` of all pixels (0..1) do not exceed: nearest rank, so it is one of the
// picture's values. NaN counts as 0.
float peak_percentile(const TensorView& rgb, double share);

// The gain under which `clipped` of all pixels (0..1) come to lie above 1. 1 for pictures that are black (below 1e-6)
// where it counts.
double exposure_for(const TensorView& rgb, double clipped);

// Exposure and white balance: one gain a channel.
void apply_gain(const TensorView& rgb, const std::array<double, 3>& gain);

// Noise of the sensor, Gaussian with a variance of shot * x + read^2 for light x: Foi et al., "Practical
// Poissonian-Gaussian Noise Modeling and Fitting for Single-Image Raw-Data", IEEE TIP 17(10), 2008. The noise of a
// sample depends on its place and the seed alone.
struct SensorNoise {
  double shot = 0, read = 0;  // not negative
  uint64_t seed = 0;
};
void add_noise(const TensorView& rgb, const SensorNoise& noise);

// What a sensor cannot hold: below 0 and above 1. NaN -> 0.
void clip(const TensorView& rgb);

// Light in 0..1 -> signal in 0..1, both ends kept, rising.
struct CameraCurve {
  // (1 + sigma) x^n / (x^n + sigma): the sigmoid that Eilertsen et al. fitted to Grossberg and Nayar's collection of
  // camera responses; n around 0.9 and sigma around 0.6, with a deviation of 0.1 each ("HDR image reconstruction from a
  // single exposure using deep CNNs", ACM TOG 36(6), 2017). sigma 0 stands for the curve of sRGB (IEC 61966-2-1).
  double n = 0.9, sigma = 0;
  bool is_srgb() const { return sigma <= 0; }
};
double camera_response(const CameraCurve& curve, double light);
void apply_curve(const TensorView& rgb, const CameraCurve& curve);

// To the nearest of 2^bits - 1 equal steps from 0 to 1 (ties to even).
void quantise(const TensorView& rgb, int bits);

// All of it but the gain, in the order in which a camera does it: noise, clip, curve, quantise.
struct CameraDraw {
  SensorNoise noise;
  CameraCurve curve;
};
void photograph(const TensorView& rgb, const CameraDraw& camera, int bits = 8);

}  // namespace framelift
