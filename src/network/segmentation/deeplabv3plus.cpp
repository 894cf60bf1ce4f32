#include "network/segmentation/deeplabv3plus.h"

#include "network/tensor_names.h"

namespace framelift {
namespace {

constexpr const char* name = "deeplabv3plus";
constexpr int default_output_stride = 16;

// The statistics of ImageNet, which all published weights were trained with.
ValueId normalised(GraphBuilder& b, ValueId image) {
  constexpr std::array mean{0.485f, 0.456f, 0.406f}, deviation{0.229f, 0.224f, 0.225f};
  const ValueId centred = b.sub(image, b.constant(Tensor::from_f32({3, 1, 1}, mean)));
  return b.div(centred, b.constant(Tensor::from_f32({3, 1, 1}, deviation)));
}

struct Layer {
  int features = 0, kernel = 1, stride = 1, dilation = 1, groups = 1, pad = 0;
};

// Convolution without bias, and batch normalisation: what everything here is made of.
ValueId conv_norm(GraphBuilder& b, ValueId x, const std::string& conv, const std::string& norm, const Layer& layer) {
  Conv2d attributes;
  attributes.stride = {layer.stride, layer.stride};
  attributes.dilation = {layer.dilation, layer.dilation};
  attributes.groups = layer.groups;
  attributes.pad = Padding::same(layer.pad);
  return b.batch_norm(b.conv2d(x, conv, layer.features, layer.kernel, attributes, false), norm);
}

struct Backbone {
  ValueId low = no_value, high = no_value;  // at a quarter, and at 1 / output stride of the picture
};

// The input of a block is padded before its first convolution, so that the border of the expanded picture is what the
// normalisation makes of zero, and not zero.
ValueId inverted_residual(GraphBuilder& b, ValueId x, const std::string& block, int expansion, int features, int stride,
                          int dilation) {
  const auto in = static_cast<int>(b.shape(x)[1]);
  ValueId y = x;
  int pad = dilation, layer = 0;
  if (expansion != 1) {
    const std::string expand = fmt::format("{}.conv.{}.", block, layer++);
    y = b.relu6(conv_norm(b, y, expand + "0", expand + "1", {in * expansion, 1, 1, 1, 1, pad}));
    pad = 0;
  }
  const std::string depthwise = fmt::format("{}.conv.{}.", block, layer++);
  const int hidden = in * expansion;
  y = b.relu6(conv_norm(b, y, depthwise + "0", depthwise + "1", {hidden, 3, stride, dilation, hidden, pad}));
  y = conv_norm(b, y, fmt::format("{}.conv.{}", block, layer), fmt::format("{}.conv.{}", block, layer + 1), {features});
  return stride == 1 && in == features ? b.add(x, y) : y;
}

Backbone mobilenet_v2(GraphBuilder& b, ValueId x, int output_stride) {
  struct Group {
    int expansion, features, blocks, stride;
  };
  constexpr Group groups[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                              {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  constexpr int low_level_blocks = 4;
  Backbone result;
  const std::string first = "backbone.low_level_features.0.";
  x = b.relu6(conv_norm(b, x, first + "0", first + "1", {32, 3, 2}));
  int index = 1, reached = 2, dilation = 1;
  for (const Group& group : groups) {
    // Once the output stride is reached, what would shrink the picture further spreads the kernels instead.
    const int first_dilation = dilation;
    const bool dilate = reached == output_stride;
    if (dilate) dilation *= group.stride;
    if (!dilate) reached *= group.stride;
    for (int i = 0; i < group.blocks; ++i, ++index) {
      const char* part = index < low_level_blocks ? "low" : "high";
      x = inverted_residual(b, x, fmt::format("backbone.{}_level_features.{}", part, index), group.expansion,
                            group.features, i == 0 && !dilate ? group.stride : 1, i == 0 ? first_dilation : dilation);
      if (index + 1 == low_level_blocks) result.low = x;
    }
  }
  result.high = x;
  return result;
}

ValueId bottleneck(GraphBuilder& b, ValueId x, const std::string& block, int features, int stride, int dilation) {
  const auto unit = [&](ValueId in, int i, const Layer& layer) {
    return conv_norm(b, in, fmt::format("{}.conv{}", block, i), fmt::format("{}.bn{}", block, i), layer);
  };
  constexpr int widening = 4;
  ValueId y = b.relu(unit(x, 1, {features}));
  y = b.relu(unit(y, 2, {features, 3, stride, dilation, 1, dilation}));
  y = unit(y, 3, {widening * features});
  if (stride != 1 || b.shape(x)[1] != widening * features)
    x = conv_norm(b, x, block + ".downsample.0", block + ".downsample.1", {widening * features, 1, stride});
  return b.relu(b.add(x, y));
}

Backbone resnet50(GraphBuilder& b, ValueId x, int output_stride) {
  constexpr int blocks[] = {3, 4, 6, 3};
  Backbone result;
  x = b.relu(conv_norm(b, x, "backbone.conv1", "backbone.bn1", {64, 7, 2, 1, 1, 3}));
  x = b.max_pool(x, 3, 2, 1);
  int reached = 4, dilation = 1;
  for (int group = 0; group < 4; ++group) {
    const int first_dilation = dilation;
    const int wanted = group == 0 ? 1 : 2;
    const bool dilate = wanted > 1 && reached == output_stride;
    if (dilate) dilation *= wanted;
    if (!dilate) reached *= wanted;
    for (int i = 0; i < blocks[group]; ++i)
      x = bottleneck(b, x, fmt::format("backbone.layer{}.{}", group + 1, i), 64 << group,
                     i == 0 && !dilate ? wanted : 1, i == 0 ? first_dilation : dilation);
    if (group == 0) result.low = x;
  }
  result.high = x;
  return result;
}

// Atrous spatial pyramid pooling: the same picture seen with kernels of several reaches, and its mean.
ValueId pyramid(GraphBuilder& b, ValueId x, int output_stride) {
  constexpr int features = 256;
  const auto unit = [&](ValueId in, const std::string& conv, const std::string& norm, const Layer& layer) {
    return b.relu(conv_norm(b, in, "classifier.aspp." + conv, "classifier.aspp." + norm, layer));
  };
  std::vector<ValueId> parts{unit(x, "convs.0.0", "convs.0.1", {features})};
  for (int i = 1; i <= 3; ++i) {
    const int rate = (output_stride == 8 ? 12 : 6) * i;
    parts.push_back(
        unit(x, fmt::format("convs.{}.0", i), fmt::format("convs.{}.1", i), {features, 3, 1, rate, 1, rate}));
  }
  const ValueId mean = unit(b.global_average_pool(x), "convs.4.1", "convs.4.2", {features});
  parts.push_back(b.resize_to(mean, static_cast<int>(b.shape(x)[2]), static_cast<int>(b.shape(x)[3])));
  return unit(b.concat(std::move(parts)), "project.0", "project.1", {features});
}

Result<Graph> build(const HyperParameters& hyper, int batch, int height, int width) {
  GraphBuilder b;
  const int output_stride = hyper.at("output_stride");
  const ValueId image = normalised(b, b.input("image", {batch, 3, height, width}));
  const Backbone found = hyper.at("resnet") ? resnet50(b, image, output_stride) : mobilenet_v2(b, image, output_stride);
  const ValueId low = b.relu(conv_norm(b, found.low, "classifier.project.0", "classifier.project.1", {48}));
  const ValueId seen = b.resize_to(pyramid(b, found.high, output_stride), static_cast<int>(b.shape(low)[2]),
                                   static_cast<int>(b.shape(low)[3]));
  ValueId x = b.concat({low, seen});
  x = b.relu(conv_norm(b, x, "classifier.classifier.0", "classifier.classifier.1", {256, 3, 1, 1, 1, 1}));
  x = b.conv2d(x, "classifier.classifier.3", hyper.at("classes"), 1, Conv2d{});
  b.output(b.resize_to(x, height, width), "scores");
  return std::move(b).finish();
}

NetworkContract contract(const HyperParameters& hyper) { return segmentation_contract(hyper.at("classes")); }

Result<HyperParameters> detect(const WeightFile& file) {
  const Tensor *last = nullptr, *mobilenet = nullptr, *resnet = nullptr;
  for (const auto& [key, tensor] : file.tensors) {
    const std::string_view plain = without_module_prefix(key);
    if (plain == "classifier.classifier.3.weight" && tensor.shape().rank() == 4) last = &tensor;
    if (plain == "backbone.low_level_features.0.0.weight") mobilenet = &tensor;
    if (plain == "backbone.layer4.2.conv3.weight") resnet = &tensor;
  }
  if (last == nullptr || (mobilenet == nullptr && resnet == nullptr)) return not_this_architecture(file, name);
  const auto stride = static_cast<int64_t>(stated_hyper(file, "output_stride").value_or(default_output_stride));
  FL_CHECK(check_hyper(file, "classes", last->shape()[0], 2, max_classes));
  FL_CHECK(check_hyper(file, "as output stride", stride, 8, 16));
  return HyperParameters{{"resnet", resnet != nullptr},
                         {"classes", static_cast<int>(last->shape()[0])},
                         {"output_stride", static_cast<int>(stride)}};
}

Result<Parameters> parameters(const WeightFile& file, const HyperParameters& hyper) {
  FL_TRY(const Graph graph, build(hyper, 1, 32, 32));
  return bind_state_dict(file, {&graph});
}

}  // namespace

const Architecture deeplabv3plus = {
    name, "segmentation: DeepLabV3+ on MobileNetV2 or ResNet-50", detect, parameters, contract, build};

}  // namespace framelift
