#include "network/segmentation/file_graph.h"

#include "graph/passes.h"
#include "network/tensor_names.h"

namespace framelift {
namespace {

constexpr const char* name = "file-graph";

// Every node that makes the output; its last one.
const Node* last_node(const Graph& graph) {
  for (const Node& node : graph.nodes)
    if (node.output == graph.outputs[0]) return &node;
  return nullptr;
}

Result<HyperParameters> detect(const WeightFile& file) {
  if (!file.graph) return not_this_architecture(file, name);
  const Shape& in = file.graph->value(file.graph->inputs[0]).shape;
  const Shape& out = file.graph->value(file.graph->outputs[0]).shape;
  if (out.rank() != 4 || out[2] != in[2] || out[3] != in[3])
    return fail(ErrorCode::unsupported, "{}: makes {} of {}; masks of the picture's size can be used",
                file.path.string(), to_string(out), to_string(in));
  FL_CHECK(check_hyper(file, "classes", out[1], 1, max_classes));
  FL_CHECK(check_hyper(file, "rows", in[2], 1, 1 << 14));
  FL_CHECK(check_hyper(file, "columns", in[3], 1, 1 << 14));
  const Node* last = last_node(*file.graph);
  if (out[1] == 1 && (last == nullptr || !std::holds_alternative<Sigmoid>(last->op)))
    return fail(ErrorCode::unsupported, "{}: makes one plane that is no probability", file.path.string());
  return HyperParameters{
      {"height", static_cast<int>(in[2])}, {"width", static_cast<int>(in[3])}, {"planes", static_cast<int>(out[1])}};
}

// x * 2 - 1 of the picture, then the file's graph.
Result<Graph> with_signed_input(const Graph& graph) {
  GraphBuilder b;
  const ValueId image = b.input("image", graph.value(graph.inputs[0]).shape);
  const ValueId signed_image[] = {b.offset(b.scale(image, 2), -1)};
  const std::vector<ValueId> ids = append(b, graph, signed_image);
  const ValueId scores = graph.outputs[0];
  b.output(ids[static_cast<size_t>(scores)], graph.value(scores).name);
  return std::move(b).finish();
}

Result<FileNetwork> open(const WeightFile& file, const HyperParameters& hyper) {
  const int planes = hyper.at("planes");
  FileNetwork network;
  network.contract = segmentation_contract(planes);
  network.contract.fixed_height = hyper.at("height");
  network.contract.fixed_width = hyper.at("width");
  FL_TRY(network.parameters, bind_state_dict(file, {file.graph.get()}));
  std::shared_ptr<const Graph> graph = file.graph;
  if (planes > 1) {
    FL_TRY(Graph adapted, with_signed_input(*file.graph));
    graph = std::make_shared<const Graph>(std::move(adapted));
  }
  network.build = [graph](int batch, int, int) -> Result<Graph> {
    if (batch == 1) return *graph;
    return with_batch(*graph, batch);
  };
  return network;
}

}  // namespace

const Architecture file_graph = {
    name, "segmentation networks of .tflite files", detect, nullptr, nullptr, nullptr, nullptr, open};

}  // namespace framelift
