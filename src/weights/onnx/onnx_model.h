// ONNX models (.onnx) as plain data: nodes, tensors, inputs and outputs. What a node means is lower_onnx.h's matter.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "frame/tensor.h"

namespace framelift {

using OnnxAttribute = std::variant<std::monostate, float, int64_t, std::string, std::vector<float>,
                                   std::vector<int64_t>, std::shared_ptr<const Tensor>>;

struct OnnxNode {
  std::string name, type;                                        // "/body/body.0/Conv", "Conv"
  std::vector<std::string> inputs, outputs;                      // empty: left out
  std::map<std::string, OnnxAttribute, std::less<>> attributes;  // monostate: of a kind that no operator here has
};

struct OnnxInput {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> dims;  // -1: any
};

struct OnnxModel {
  std::string file;  // opens error messages
  int64_t opset = 0;
  std::string producer;         // "pytorch 2.11.0"
  std::vector<OnnxNode> nodes;  // topological order
  // Constant tensors by name; integers are i64, floating-point ones as the file has them.
  std::map<std::string, std::shared_ptr<const Tensor>, std::less<>> tensors;
  std::vector<OnnxInput> inputs;  // those that no tensor fills
  std::vector<std::string> outputs;
  std::map<std::string, std::string> metadata;
};

// Tensors that lie in files of their own are read from the folder of `path`, and from nowhere else. Errors:
// invalid_data (damaged, sizes that contradict each other), unsupported (an operator set older than 11, types that are
// no numbers).
Result<OnnxModel> parse_onnx_model(std::span<const std::byte> bytes, std::string_view path);

// The same model in one piece: tensors of other files moved in, `metadata` added to its own or in
// place of it. Errors: also unsupported,
// for models beyond the 2 GiB that the format holds in one file.
Result<std::string> embed_onnx(std::span<const std::byte> bytes, std::string_view path,
                               const std::map<std::string, std::string>& metadata);

}  // namespace framelift
