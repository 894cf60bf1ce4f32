#include "network/onnx/export_network.h"

#include <algorithm>
#include <new>

#include "network/onnx/onnx_contract.h"
#include "weights/onnx/write_onnx.h"

namespace framelift {
namespace {

constexpr const char* frame_input = "picture";  // as Architecture::build_frame_graph calls it

struct Size {
  int height = 0, width = 0;
};

OnnxContract contract_of(const NetworkContract& c) {
  OnnxContract contract;
  contract.scale = c.scale;
  contract.alignment = c.alignment;
  contract.blend_overlap = c.blend_overlap;
  contract.input_color = c.input_color;
  contract.output_color = c.output_color;
  contract.output_gain = c.output_gain;
  contract.output = c.output;
  contract.frame_reduction = c.frame_reduction;
  for (const ClassLabel& label : c.classes) contract.classes.push_back(label.name);
  return contract;
}

Size reduced(const FrameReduction& reduction, Size size) {
  if (reduction.edge > 0) return {reduction.edge, reduction.edge};
  return {std::max(size.height / reduction.factor, 1), std::max(size.width / reduction.factor, 1)};
}

struct Written {
  OnnxWriter writer;
  std::string output, frame_output;
};

Result<Written> write(const Network& network, Size size, bool any_size) {
  Written written;
  const auto& reduction = network.contract.frame_reduction;
  if (reduction) {
    const Size picture = reduced(*reduction, size);
    FL_TRY(const Graph frame, network.build_frame_graph(1, picture.height, picture.width));
    FL_TRY(const auto outputs, written.writer.add(frame, network.parameters, any_size && reduction->factor > 0));
    written.frame_output = outputs.at(0);
  }
  FL_TRY(const Graph graph, network.build(1, size.height, size.width));
  FL_TRY(const auto outputs, written.writer.add(graph, network.parameters, any_size));
  written.output = outputs.at(0);
  written.writer.output(written.output);
  return written;
}

Result<OnnxExport> checked_export(const Network& network, int height, int width) {
  const NetworkContract& contract = network.contract;
  Size size{height, width};
  if (contract.fixed_width > 0 && width == 0) size = {contract.fixed_height, contract.fixed_width};
  const bool any_size = size.width == 0;
  if (!any_size && (size.height % contract.alignment != 0 || size.width % contract.alignment != 0))
    return fail(ErrorCode::invalid_argument, "{} takes multiples of {} pixels, not {}x{}; choose another --size",
                network.name, contract.alignment, size.width, size.height);
  if (any_size) {
    // What does not change from one size to another holds for every one.
    const int step = contract.alignment * ((64 + contract.alignment - 1) / contract.alignment);
    size = {2 * step, 3 * step};
    FL_TRY(const Written one, write(network, size, true));
    FL_TRY(const Written other, write(network, {5 * step, 4 * step}, true));
    if (one.writer.nodes() != other.writer.nodes())
      return fail(ErrorCode::invalid_argument,
                  "{} depends on the picture's size as ONNX has it; give --size WIDTHxHEIGHT", network.name);
  }
  FL_TRY(Written written, write(network, size, any_size));
  OnnxContract stated = contract_of(contract);
  if (stated.frame_reduction) {
    stated.frame_input = frame_input;
    stated.frame_output = written.frame_output;
  }
  std::map<std::string, std::string> metadata{{onnx_contract_key, to_toml(stated)}, {"framelift.name", network.name}};
  for (const char* key : {"license", "source"})
    if (const auto found = network.metadata.find(key); found != network.metadata.end())
      metadata[std::string("framelift.") + key] = found->second;
  OnnxExport result;
  FL_TRY(result.bytes, std::move(written.writer).finish(metadata));
  const std::string pixels =
      any_size ? contract.alignment > 1 ? fmt::format("H,W (multiples of {})", contract.alignment) : std::string("H,W")
               : fmt::format("{},{}", size.height, size.width);
  result.summary =
      fmt::format("operator set {}; image [1,3,{}]{} -> {}", onnx_export_opset, pixels,
                  stated.frame_reduction ? fmt::format(", {} (the frame, reduced)", frame_input) : "", written.output);
  return result;
}

}  // namespace

Result<OnnxExport> export_onnx(const Network& network, int height, int width) {
  try {
    return checked_export(network, height, width);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::out_of_memory, "{}: does not fit into memory as an ONNX file", network.name);
  }
}

}  // namespace framelift
