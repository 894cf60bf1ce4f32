// Weight files with 8-bit weights, split into a float file that every architecture reads and the grids.
#pragma once

#include "graph/quantization.h"
#include "weights/weight_file.h"

namespace framelift {

struct QuantizedFile {
  WeightFile file;  // the same without scales and with weights in float32, exactly what the integers stand for
  QuantizedLayers layers;
  Parameters scales;  // under the names of graph/quantization.h
};

// Whether any tensor is an integer weight with a scale.
bool is_quantized(const WeightFile& file);

// Two layouts. framelift's own: "x.weight" of int8 with "x.weight_scale" [Cout], and for layers whose input is
// quantised "x.input_scale" [1] and "x.input_grid" of int32, its smallest and largest integer. That of the HDRTVNet++
// video pipeline (version 0.8): "x.weight_int8" with "x.w_scale" and "x.x_scale", or with "x.scale" where the input
// stays as it is; inputs have integers from -128 to 127.
// Errors: invalid_data, unsupported; they name the tensor.
Result<QuantizedFile> split_quantized(const WeightFile& file);

// The tensors of a network in framelift's layout: those of `parameters` with the quantised weights as int8.
std::vector<std::pair<std::string, Tensor>> quantized_tensors(const Parameters& parameters,
                                                              const QuantizedLayers& layers);

}  // namespace framelift
