// Graphs as ONNX models (operator set 17, ONNX 1.12).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"

namespace framelift {

inline constexpr int onnx_export_opset = 17;

// Writes graphs one after the other into one model: a later graph's input that has the name of an earlier one's output
// is that output.
class OnnxWriter {
 public:
  OnnxWriter();
  OnnxWriter(OnnxWriter&&) noexcept;
  ~OnnxWriter();

  // Inputs, parameters and results keep their names, but for results whose name is taken. `any_size`: declare every
  // height and width of the inputs as open; whether the nodes bear that out is for the caller to know. Returns the
  // outputs' names. Errors: unsupported (an op without an ONNX form), invalid_argument (a parameter is missing).
  Result<std::vector<std::string>> add(const Graph& graph, const Parameters& parameters, bool any_size);
  // Declares a value that was added as an output of the model.
  void output(const std::string& name);
  // The file's bytes. Error: unsupported, when they are more than the 2 GiB that the format holds.
  Result<std::string> finish(const std::map<std::string, std::string>& metadata) &&;

  // The nodes and tensors so far, without the sizes of inputs and outputs.
  std::string nodes() const;

 private:
  class Model;
  std::unique_ptr<Model> model_;
};

}  // namespace framelift
