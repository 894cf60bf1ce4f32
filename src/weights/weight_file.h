// Weight files of all kinds, read as data: nothing in a file is ever executed.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "frame/tensor.h"
#include "graph/graph.h"

namespace framelift {

enum class WeightFormat : uint8_t { safetensors, pytorch, ncnn, tflite, hinerv, onnx };
const char* to_string(WeightFormat format);

struct OnnxModel;  // weights/onnx/onnx_model.h

struct WeightFile {
  std::filesystem::path path;  // of the file with the weights: the .bin of an ncnn pair
  WeightFormat format = WeightFormat::safetensors;
  // In the file's order. Tensors keep the file's dtype. For PyTorch files these are the entries of the state dict
  // (of `params_ema`, else `params`, else `state_dict`/`model_state`, else the top-level dict itself). ncnn files have
  // no state dict: layer L with name n gives "n.weight", "n.bias" or "n.slope", in layer order.
  std::vector<std::pair<std::string, Tensor>> tensors;
  // safetensors __metadata__; for PyTorch files the scalars and strings beside the state dict; for ncnn one entry
  // "layer.<name>" = "Type id=value ..." per layer.
  std::map<std::string, std::string> metadata;

  // An ONNX model, whose graph is built for one size at a time; it holds its tensors itself.
  std::shared_ptr<const OnnxModel> onnx;
  // Of formats that hold the network itself (tflite): its graph, whose parameters are `tensors` by name. Null for those
  // that hold weights alone.
  std::shared_ptr<const Graph> graph;

  const Tensor* find(std::string_view name) const;
};

// Detects the format by content (a .bin asks for its .param beside it, and the other way round) and reads everything.
// Errors name the file and the tensor: missing file, truncated, hostile sizes, unknown format.
Result<WeightFile> read_weights(const std::filesystem::path& path);

}  // namespace framelift
