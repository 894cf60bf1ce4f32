#include "network/ldr2hdr.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "network/tensor_names.h"

namespace framelift {
namespace {

constexpr const char* name = "ldr2hdr";
constexpr const char* first_layer = "enc1.weight";
constexpr int default_dilation = 2;
// Wide enough that neighbouring tiles agree: what a pixel far out in the receptive field adds is small.
constexpr int blend_overlap = 128;

Result<Graph> build(const HyperParameters& hyper, int batch, int height, int width) {
  GraphBuilder b;
  const int base = hyper.at("base");
  const auto conv = [&](ValueId x, const std::string& layer, int features, int stride, int dilation) {
    Conv2d attributes;
    attributes.stride = {stride, stride};
    attributes.dilation = {dilation, dilation};
    attributes.pad = Padding::same(dilation);
    return b.conv2d(x, layer, features, 3, attributes);
  };
  const auto doubled = [&](ValueId x, const std::string& layer, int features) {
    return b.relu(b.conv_transpose2d(x, layer, features, 4, {{2, 2}, Padding::same(1)}));
  };
  const ValueId image = b.input("image", {batch, 3, height, width});
  ValueId x = b.relu(conv(image, "enc1", base, 1, 1));
  x = b.relu(conv(x, "enc2", 2 * base, 2, 1));
  x = b.relu(conv(x, "enc3", 4 * base, 2, 1));
  for (int i = 0; i < hyper.at("blocks"); ++i) {
    const std::string block = fmt::format("bottleneck.{}.", i);
    const int dilation = i % 2 == 0 ? hyper.at("dilation") : 1;
    ValueId y = b.relu(b.batch_norm(conv(x, block + "conv1", 4 * base, 1, dilation), block + "bn1"));
    y = b.batch_norm(conv(y, block + "conv2", 4 * base, 1, dilation), block + "bn2");
    x = b.relu(b.add(x, y));
  }
  x = doubled(doubled(x, "dec3", 2 * base), "dec2", base);
  b.output(b.softplus(conv(x, "dec1", 3, 1, 1)), "image");
  return std::move(b).finish();
}

NetworkContract contract(const HyperParameters& hyper) {
  NetworkContract result = sdr_to_linear_contract(TransferCharacteristic::linear);
  result.alignment = 4;
  result.blend_overlap = blend_overlap;
  result.output_gain = static_cast<float>(hyper.at("scale_hdr_milli")) / 1000;
  return result;
}

// What the tensors do not show: a file of our own states its hyper-parameters, a training checkpoint its `meta`.
std::optional<double> stated(const WeightFile& file, const std::string& hyper, const std::string& meta,
                             double per_unit) {
  if (const auto own = stated_hyper(file, hyper)) return own;
  const auto found = file.metadata.find("meta." + meta);
  if (found == file.metadata.end()) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(found->second.c_str(), &end);
  if (end == found->second.c_str() || !std::isfinite(value)) return std::nullopt;
  return std::round(std::clamp(value * per_unit, -1e9, 1e9));
}

Result<HyperParameters> detect(const WeightFile& file) {
  const Tensor* first = nullptr;
  int64_t blocks = 0;
  for (const auto& [key, tensor] : file.tensors) {
    std::string_view rest = without_module_prefix(key);
    if (rest == first_layer && tensor.shape().rank() == 4) first = &tensor;
    if (!take_prefix(rest, "bottleneck.")) continue;
    if (const auto index = take_number(rest); index && rest == ".conv1.weight")
      blocks = std::max<int64_t>(blocks, int64_t{*index} + 1);
  }
  if (file.format == WeightFormat::ncnn || first == nullptr || blocks == 0) return not_this_architecture(file, name);
  const double dilation = stated(file, "dilation", "dilation", 1).value_or(default_dilation);
  const double scale = stated(file, "scale_hdr_milli", "scale_hdr", 1000).value_or(1000 * default_scale_hdr);
  FL_CHECK(check_hyper(file, "base channels", first->shape()[0], 1, 1024));
  FL_CHECK(check_hyper(file, "residual blocks", blocks, 1, 256));
  FL_CHECK(check_hyper(file, "as dilation", static_cast<int64_t>(dilation), 1, 64));
  FL_CHECK(check_hyper(file, "thousandths as scale_hdr", static_cast<int64_t>(scale), 1, 100'000'000));
  return HyperParameters{{"base", static_cast<int>(first->shape()[0])},
                         {"blocks", static_cast<int>(blocks)},
                         {"dilation", static_cast<int>(dilation)},
                         {"scale_hdr_milli", static_cast<int>(scale)}};
}

Result<Parameters> parameters(const WeightFile& file, const HyperParameters& hyper) {
  FL_TRY(const Graph graph, build(hyper, 1, 8, 8));
  return bind_state_dict(file, {&graph});
}

}  // namespace

const Architecture ldr2hdr = {
    name, "8-bit pictures to linear HDR: residual encoder-decoder", detect, parameters, contract, build, nullptr};

}  // namespace framelift
