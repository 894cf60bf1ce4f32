#include "network/gainmap.h"

#include <array>
#include <cmath>

#include "network/tensor_names.h"

namespace framelift {
namespace {

constexpr const char* name = "gainmap";
constexpr const char *first_layer = "down0.weight", *last_layer = "gain.weight";
constexpr std::array<int, 5> widths{1, 2, 4, 6, 8};  // times the features, from full size to a sixteenth
constexpr int alignment = 16;
constexpr float slope = 0.1f;
constexpr float root_of_largest_gain = 2.828427f;  // 64^(1/4)
constexpr float knee = 0.8f;                       // linear light: sRGB code 231 of 255

Result<Graph> build(const HyperParameters& hyper, int batch, int height, int width) {
  GraphBuilder b;
  const int features = hyper.at("features");
  const auto channels = [&](size_t level) { return widths[level] * features; };
  const auto layer = [&](ValueId x, const std::string& layer_name, int out, int stride = 1) {
    Conv2d attributes;
    attributes.stride = {stride, stride};
    attributes.pad = Padding::same(1);
    const ValueId y = b.conv2d(x, layer_name, out, 3, attributes, false);
    return b.leaky_relu(b.batch_norm(y, layer_name + ".norm"), slope);
  };

  const ValueId light = b.input("image", {batch, 3, height, width});
  // Convolutions see the picture in steps that look alike, not its light.
  ValueId x = layer(b.pow(b.clamp(light, 0, 1), 1 / 2.2f), "down0", channels(0));
  std::array<ValueId, widths.size()> skipped{};
  for (size_t level = 1; level < widths.size(); ++level) {
    skipped[level - 1] = x;
    x = layer(layer(x, fmt::format("down{}", level), channels(level), 2), fmt::format("same{}", level),
              channels(level));
  }
  for (size_t level = widths.size() - 1; level-- > 0;)
    x = layer(b.concat({b.resize(x, ResizeMode::bilinear, 2), skipped[level]}), fmt::format("up{}", level),
              channels(level));

  // From 1 to 64, which is 13,000 cd/m2 where SDR white is HDR Reference White: bounded, so that no step of training
  // leads astray.
  const ValueId reach = b.sigmoid(b.offset(b.conv2d_same(x, "gain", 3), -3));
  const ValueId gain = b.pow(b.offset(b.scale(reach, root_of_largest_gain - 1), 1), 4);
  const ValueId clipped = b.clamp(b.scale(b.offset(light, -knee), 1 / (1 - knee)), 0, 1);
  const ValueId applied = b.offset(b.mul(clipped, b.offset(gain, -1)), 1);
  const float scale = static_cast<float>(hyper.at("scale_hdr_milli")) / 1000;
  b.output(b.scale(b.mul(light, applied), 1 / scale), "image");
  return std::move(b).finish();
}

NetworkContract contract(const HyperParameters& hyper) {
  NetworkContract result = sdr_to_linear_contract(TransferCharacteristic::linear);
  result.alignment = alignment;
  result.output_gain = static_cast<float>(hyper.at("scale_hdr_milli")) / 1000;
  return result;
}

Result<HyperParameters> detect(const WeightFile& file) {
  const Tensor *first = nullptr, *last = nullptr;
  for (const auto& [key, tensor] : file.tensors) {
    if (key == first_layer && tensor.shape().rank() == 4) first = &tensor;
    if (key == last_layer) last = &tensor;
  }
  if (first == nullptr || last == nullptr) return not_this_architecture(file, name);
  const double scale = stated_hyper(file, "scale_hdr_milli").value_or(1000 * default_scale_hdr);
  FL_CHECK(check_hyper(file, "features", first->shape()[0], 1, 1024));
  FL_CHECK(check_hyper(file, "thousandths as scale_hdr", static_cast<int64_t>(scale), 1, 100'000'000));
  return HyperParameters{{"features", static_cast<int>(first->shape()[0])},
                         {"scale_hdr_milli", static_cast<int>(scale)}};
}

Result<Parameters> parameters(const WeightFile& file, const HyperParameters& hyper) {
  FL_TRY(const Graph graph, build(hyper, 1, alignment, alignment));
  return bind_state_dict(file, {&graph});
}

}  // namespace

const Architecture gainmap = {
    name, "8-bit pictures to linear HDR: U-Net that predicts a gain map", detect, parameters, contract, build, nullptr};

}  // namespace framelift
