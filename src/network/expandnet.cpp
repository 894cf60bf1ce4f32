#include "network/expandnet.h"

#include "network/tensor_names.h"

namespace framelift {
namespace {

constexpr const char* name = "expandnet";
constexpr int features = 64;
constexpr int global_edge = 256, global_halvings = 6;

ValueId conv(GraphBuilder& b, ValueId x, const std::string& layer, int outputs, int stride, int dilation) {
  Conv2d attributes;
  attributes.stride = {stride, stride};
  attributes.dilation = {dilation, dilation};
  attributes.pad = Padding::same(dilation);
  return b.conv2d(x, layer, outputs, 3, attributes);
}

Result<Graph> build(const HyperParameters&, int batch, int height, int width) {
  GraphBuilder b;
  const ValueId image = b.input("image", {batch, 3, height, width});
  const ValueId global = b.input("global", {batch, features, 1, 1});
  ValueId local = b.selu(conv(b, image, "local_net.0.0", features, 1, 1));
  local = b.selu(conv(b, local, "local_net.1.0", 2 * features, 1, 1));
  ValueId middle = image;
  for (int i = 0; i < 3; ++i) middle = b.selu(conv(b, middle, fmt::format("mid_net.{}.0", i), features, 1, 2));
  middle = conv(b, middle, "mid_net.3", features, 1, 2);
  // The vector at every pixel.
  const ValueId everywhere = b.add_node(Resize{ResizeMode::nearest, height, width}, {global});
  const ValueId all = b.concat({local, middle, everywhere});
  const ValueId fused = b.selu(b.conv2d_same(all, "end_net.0.0", features, 1));
  b.output(b.sigmoid(b.conv2d_same(fused, "end_net.1", 3, 1)), "image");
  return std::move(b).finish();
}

Result<Graph> build_frame_graph(const HyperParameters&, int batch, int height, int width) {
  GraphBuilder b;
  ValueId x = b.input("picture", {batch, 3, height, width});
  for (int i = 0; i < global_halvings; ++i) x = b.selu(conv(b, x, fmt::format("glob_net.{}.0", i), features, 2, 1));
  b.output(b.conv2d(x, fmt::format("glob_net.{}", global_halvings), features, 4, Conv2d{}), "global");
  return std::move(b).finish();
}

NetworkContract contract(const HyperParameters&) {
  NetworkContract result = sdr_to_linear_contract(TransferCharacteristic::srgb);
  result.frame_reduction = FrameReduction{.edge = global_edge};
  result.output_gain = default_scale_hdr;
  return result;
}

Result<HyperParameters> detect(const WeightFile& file) {
  bool local = false, global = false;
  for (const auto& [key, tensor] : file.tensors) {
    const std::string_view plain = without_module_prefix(key);
    local = local || plain == "local_net.0.0.weight";
    global = global || plain == "glob_net.0.0.weight";
  }
  if (file.format == WeightFormat::ncnn || !local || !global) return not_this_architecture(file, name);
  return HyperParameters{};
}

Result<Parameters> parameters(const WeightFile& file, const HyperParameters& hyper) {
  FL_TRY(const Graph graph, build(hyper, 1, 8, 8));
  FL_TRY(const Graph frame, build_frame_graph(hyper, 1, global_edge, global_edge));
  return bind_state_dict(file, {&graph, &frame});
}

}  // namespace

const Architecture expandnet = {
    name, "ExpandNet: 8-bit pictures to linear HDR", detect, parameters, contract, build, build_frame_graph};

}  // namespace framelift
