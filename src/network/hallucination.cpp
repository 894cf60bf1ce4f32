#include "network/hallucination.h"

#include "network/tensor_names.h"

namespace framelift {
namespace {

constexpr const char* name = "hdrtvnet++-hg";
constexpr const char* first_layer = "conv1.0.weight";

// 1 where the largest component says that SDR was clipped, 0 elsewhere: clamp((max - 0.75) / 0.25, 0, 1) > 0.1.
ValueId highlight_mask(GraphBuilder& b, ValueId image) {
  const auto component = [&](int c) {
    Tensor weight = Tensor::filled({1, 3, 1, 1}, 0);
    weight.f32()[static_cast<size_t>(c)] = 1;
    return b.add_node(Conv2d{}, {image, b.constant(std::move(weight))});
  };
  const auto larger = [&](ValueId x, ValueId y) { return b.add(b.relu(b.add(x, b.scale(y, -1))), y); };
  const ValueId largest = larger(larger(component(0), component(1)), component(2));
  // A step as wide as float32 resolves there.
  constexpr float steep = 1 / 6e-8f;
  const ValueId above = b.offset(largest, -(0.75f + 0.1f * 0.25f));
  return b.clamp(b.scale(above, steep), 0, 1);
}

Result<Graph> build(const HyperParameters& hyper, int batch, int height, int width) {
  GraphBuilder b;
  const int nf = hyper.at("features");
  const ValueId image = b.input("image", {batch, 3, height, width});
  auto block = [&](ValueId x, const char* layer, int features) {
    const std::string prefix = layer;
    return b.relu(b.batch_norm(b.conv2d_same(x, prefix + ".0", features), prefix + ".1"));
  };
  auto pool = [&](ValueId x) { return b.max_pool(x, 2, 2); };
  const ValueId conv1 = block(image, "conv1", nf);
  const ValueId conv2 = block(pool(conv1), "conv2", 2 * nf);
  const ValueId conv3 = block(pool(block(conv2, "conv3_1", 4 * nf)), "conv3_2", 4 * nf);
  const ValueId conv4 = block(pool(block(conv3, "conv4_1", 8 * nf)), "conv4_2", 8 * nf);
  const ValueId conv5 = block(pool(block(conv4, "conv5_1", 8 * nf)), "conv5_2", 8 * nf);
  ValueId x = block(pool(block(conv5, "conv_code1", 8 * nf)), "conv_code2", 8 * nf);

  // Doubles the size, joins what the way down knew at that size, and mixes both.
  auto up = [&](const char* layer, ValueId same_size, const char* mix, int features) {
    const int64_t channels = b.shape(x)[1];
    const ValueId larger = b.relu(b.pixel_shuffle(b.conv2d_same(x, std::string(layer) + ".0", 4 * channels), 2));
    x = b.conv2d_same(b.concat({larger, same_size}), mix, features, 1);
  };
  up("Up_conv1", conv5, "conv6", 8 * nf);
  up("Up_conv2", conv4, "conv7", 4 * nf);
  up("Up_conv3", conv3, "conv8", 2 * nf);
  up("Up_conv4", conv2, "conv9", nf);
  up("Up_conv5", conv1, "conv10", 3);
  x = b.conv2d_same(b.concat({x, image}), "conv_last", 3, 1);
  b.output(b.add(b.mul(x, highlight_mask(b, image)), image), "image");
  return std::move(b).finish();
}

NetworkContract contract(const HyperParameters&) {
  NetworkContract result = sdr_to_hdr_contract();
  result.input_color = result.output_color;
  result.alignment = 32;
  return result;
}

Result<HyperParameters> detect(const WeightFile& file) {
  for (const auto& [key, tensor] : file.tensors)
    if (without_module_prefix(key) == first_layer && tensor.shape().rank() == 4 && file.format != WeightFormat::ncnn)
      for (const auto& [other, unused] : file.tensors)
        if (without_module_prefix(other) == "conv_code1.0.weight")
          return HyperParameters{{"features", static_cast<int>(tensor.shape()[0])}};
  return not_this_architecture(file, name);
}

Result<Parameters> parameters(const WeightFile& file, const HyperParameters& hyper) {
  FL_TRY(const Graph graph, build(hyper, 1, 32, 32));
  return bind_state_dict(file, {&graph});
}

}  // namespace

const Architecture hallucination = {
    name, "HDRTVNet++ HG: highlights of an HDR picture filled in", detect, parameters, contract, build, nullptr};

}  // namespace framelift
