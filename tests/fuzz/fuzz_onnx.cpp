// From the bytes of an .onnx file to a checked network and a graph of another size: its nodes are hostile, too.
#include <memory>

#include "network/network.h"
#include "weights/onnx/onnx_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // In a folder that does not exist, where no file beside it can be.
  constexpr const char* path = "/nonexistent/fuzz.onnx";
  auto model = framelift::parse_onnx_model({reinterpret_cast<const std::byte*>(data), size}, path);
  if (!model) return 0;
  framelift::WeightFile file;
  file.path = path;
  file.format = framelift::WeightFormat::onnx;
  file.metadata = model->metadata;
  file.onnx = std::make_shared<const framelift::OnnxModel>(std::move(*model));
  if (const auto network = framelift::make_network(file)) (void)network->build_sample(3);
  return 0;
}
