// Writes every case of export_cases.h for onnx_runtime.py: NAME.onnx, and NAME.safetensors with the inputs, "output" by
// the reference and, as metadata, the tolerance.
//   onnx_values FOLDER     (in the root of the source tree)
#include <cstdio>
#include <exception>

#include "tests/onnx/export_cases.h"
#include "weights/file_bytes.h"
#include "weights/safetensors.h"

namespace {

using namespace framelift;

Status write(const std::filesystem::path& folder, const std::string& name, const Exported& exported) {
  const auto bytes = std::as_bytes(std::span(exported.bytes));
  FL_CHECK(write_file_bytes(folder / (name + ".onnx"), std::array{bytes}));
  std::vector<NamedTensor> tensors{{"output", &exported.output}};
  for (const auto& [input, tensor] : exported.inputs) tensors.push_back({"input/" + input, &tensor});
  return write_safetensors(folder / (name + ".safetensors"), tensors,
                           {{"tolerance", fmt::format("{}", exported.tolerance)}});
}

Status write_all(const std::filesystem::path& folder) {
  for (const OpCase& c : op_cases())
    if (has_onnx_form(c)) FL_CHECK(write(folder, "op_" + c.name, export_op(c)));
  for (const NetworkCase& c : network_cases()) FL_CHECK(write(folder, "network_" + c.name, export_case(c)));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const Status status = write_all(argv[1]);
    if (status) return 0;
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
  }
  return 1;
}
