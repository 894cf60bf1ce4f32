#include "network/srvgg_compact.h"

#include <cmath>

#include "network/ncnn_layers.h"
#include "network/tensor_names.h"

namespace framelift {

namespace {

constexpr const char* name = "srvgg-compact";

Result<Graph> build(const HyperParameters& hyper, int batch, int height, int width) {
  const int features = hyper.at("features"), convs = hyper.at("convs"), scale = hyper.at("scale");
  GraphBuilder b;
  const ValueId image = b.input("image", {batch, 3, height, width});
  ValueId x = b.prelu(b.conv2d_same(image, "body.0", features), "body.1");
  for (int i = 1; i <= convs; ++i) {
    x = b.conv2d_same(x, fmt::format("body.{}", 2 * i), features);
    x = b.prelu(x, fmt::format("body.{}", 2 * i + 1));
  }
  x = b.conv2d_same(x, fmt::format("body.{}", 2 * convs + 2), int64_t{3} * scale * scale);
  ValueId base = image;
  if (scale > 1) {
    x = b.pixel_shuffle(x, scale);
    base = b.resize(image, ResizeMode::nearest, scale);
  }
  b.output(b.add(x, base), "image");
  return std::move(b).finish();
}

NetworkContract contract(const HyperParameters& hyper) {
  NetworkContract result;
  result.scale = hyper.at("scale");
  return result;
}

// The first convolution's and first slopes' tensors, and the last convolution's, wherever a file keeps them.
struct Landmarks {
  const Tensor* first_weight = nullptr;
  const Tensor* first_slope = nullptr;
  const Tensor* last_weight = nullptr;
  int64_t convolutions = 0;  // with the first and the last
};

Landmarks find_in_state_dict(const WeightFile& file) {
  Landmarks found;
  int last = -1;
  for (const auto& [key, tensor] : file.tensors) {
    std::string_view rest = without_module_prefix(key);
    if (!take_prefix(rest, "body.")) continue;
    const auto index = take_number(rest);
    if (!index || rest != ".weight") continue;
    if (*index == 0) found.first_weight = &tensor;
    if (*index == 1) found.first_slope = &tensor;
    if (*index > last && tensor.shape().rank() == 4) {
      last = *index;
      found.last_weight = &tensor;
    }
  }
  found.convolutions = last / 2 + 1;  // convolutions have the even indices
  return found;
}

Landmarks find_in_layers(const WeightFile& file) {
  Landmarks found;
  for (const auto& [key, tensor] : file.tensors) {
    if (key.ends_with(".slope") && found.first_slope == nullptr) found.first_slope = &tensor;
    if (!key.ends_with(".weight")) continue;
    if (found.first_weight == nullptr) found.first_weight = &tensor;
    found.last_weight = &tensor;
    ++found.convolutions;
  }
  return found;
}

Result<HyperParameters> detect(const WeightFile& file) {
  const Landmarks found = file.format == WeightFormat::ncnn ? find_in_layers(file) : find_in_state_dict(file);
  if (found.first_weight == nullptr || found.first_slope == nullptr || found.last_weight == nullptr ||
      found.first_weight->shape().rank() != 4 || found.first_slope->shape().rank() != 1 || found.convolutions < 2)
    return not_this_architecture(file, name);
  if (file.format == WeightFormat::ncnn) FL_CHECK(check_plain_sr_layers(file, ""));
  const int64_t features = found.first_weight->shape()[0];
  FL_CHECK(check_hyper(file, "input channels", found.first_weight->shape()[1], 3, 3));
  FL_CHECK(check_hyper(file, "features", features, 1, 1024));
  FL_CHECK(check_hyper(file, "convolutions", found.convolutions, 2, 1000));
  const int64_t out = found.last_weight->shape()[0];
  FL_CHECK(check_hyper(file, "output channels", out, 3, 3 * 16 * 16));
  const int scale = static_cast<int>(std::lround(std::sqrt(static_cast<double>(out) / 3)));
  if (int64_t{3} * scale * scale != out)
    return fail(ErrorCode::unsupported, "{}: the last convolution has {} outputs, which is no RGB picture at any scale",
                file.path.string(), out);
  return HyperParameters{
      {"features", static_cast<int>(features)}, {"convs", static_cast<int>(found.convolutions - 2)}, {"scale", scale}};
}

Result<Parameters> parameters(const WeightFile& file, const HyperParameters& hyper) {
  FL_TRY(auto graph, build(hyper, 1, 8, 8));
  if (file.format == WeightFormat::ncnn) {
    FL_TRY(auto tensors, name_by_order(file, graph));
    return bind_tensors(file, tensors, graph);
  }
  std::vector<RenamedTensor> tensors;
  for (const auto& [key, tensor] : file.tensors)
    tensors.push_back({std::string(without_module_prefix(key)), key, &tensor});
  return bind_tensors(file, tensors, graph);
}

}  // namespace

const Architecture srvgg_compact = {
    name, "Real-ESRGAN's compact network: plain convolutions with PReLU, fast", detect, parameters, contract, build};

}  // namespace framelift
