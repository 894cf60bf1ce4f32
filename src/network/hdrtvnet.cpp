#include "network/hdrtvnet.h"

#include "network/tensor_names.h"

namespace framelift {

namespace {

constexpr const char* name = "hdrtvnet++";
constexpr int agcm_features = 64, condition_features = 6;
constexpr int le_features = 32, le_condition = 64, le_sft = 16;
constexpr int condition_reduction = 4;

// ---- AGCM: a small network per pixel, modulated by a vector that sums up the whole frame

// From the reduced frame to the condition vector.
ValueId condition_vector(GraphBuilder& b, ValueId x, const std::string& prefix) {
  const auto layer = [&](int index) { return fmt::format("{}classifier.model.{}", prefix, index); };
  int index = 0;
  for (int features : {16, 32, 64, 128}) {
    x = b.leaky_relu(b.average_pool(b.conv2d_same(x, layer(index), features, 1), 3, 2, 1), 0.2f);
    x = b.instance_norm(x, layer(index + 3));
    index += 4;
  }
  x = b.leaky_relu(b.average_pool(b.conv2d_same(x, layer(16), 128, 1), 3, 2, 1), 0.2f);
  x = b.global_average_pool(b.conv2d_same(x, layer(20), condition_features, 1));
  return b.reshape(x, {b.shape(x)[0], condition_features});
}

// y * (1 + scale) + shift, where both are linear functions of the condition vector.
ValueId modulate(GraphBuilder& b, ValueId y, ValueId condition, const std::string& prefix, const char* which) {
  const int64_t features = b.shape(y)[1];
  auto per_channel = [&](const char* kind) {
    const ValueId v = b.linear(condition, fmt::format("{}cond_{}_{}", prefix, kind, which), features);
    return b.reshape(v, {b.shape(v)[0], features, 1, 1});
  };
  const ValueId gain = b.offset(per_channel("scale"), 1);
  return b.add(b.mul(y, gain), per_channel("shift"));
}

ValueId agcm(GraphBuilder& b, ValueId image, ValueId condition, const std::string& prefix) {
  auto layer = [&](ValueId x, const char* convolution, int features, const char* which) {
    return modulate(b, b.conv2d_same(x, prefix + convolution, features, 1), condition, prefix, which);
  };
  const ValueId first = b.relu(layer(image, "conv_first", agcm_features, "first"));
  const ValueId hidden = b.relu(layer(first, "HRconv", agcm_features, "HR"));
  return layer(hidden, "conv_last", 3, "last");
}

// ---- LE: a U-shaped network whose features are scaled and shifted by what a condition trunk sees in the same picture

class LocalEnhancement {
 public:
  LocalEnhancement(GraphBuilder& b, std::string prefix) : b_(b), prefix_(std::move(prefix)) {}

  ValueId operator()(ValueId image) {
    ValueId trunk = lrelu(conv(image, "cond_first.0", le_condition));
    trunk = lrelu(conv(trunk, "cond_first.2", le_condition, 1));
    trunk = lrelu(conv(trunk, "cond_first.4", le_condition, 1));
    const ValueId c1 = condition(trunk, "CondNet1", {1, 1, 1});
    const ValueId c2 = condition(trunk, "CondNet2", {2, 1, 1});
    const ValueId c3 = condition(trunk, "CondNet3", {2, 2, 1});
    const ValueId c4 = condition(trunk, "CondNet4", {2, 2, 2});

    ValueId f0 = b_.relu(conv(image, "conv_first", le_features));
    f0 = b_.relu(conv(sft(f0, c1, "SFT_layer1"), "HR_conv1", le_features));
    ValueId f1 = block(b_.relu(conv(f0, "down_conv1", le_features, 3, 2)), c2, "recon_trunk1.0");
    ValueId f2 = block(b_.relu(conv(f1, "down_conv2", le_features, 3, 2)), c3, "recon_trunk2.0");
    const ValueId f3 = b_.relu(conv(f2, "down_conv3", le_features, 3, 2));
    ValueId x = f3;
    for (int i = 0; i < 4; ++i) x = block(x, c4, fmt::format("recon_trunk3.{}", i));
    x = b_.add(x, f3);
    x = block(b_.add(up(x, "up_conv1.0"), f2), c3, "recon_trunk4.0");
    x = block(b_.add(up(x, "up_conv2.0"), f1), c2, "recon_trunk5.0");
    x = b_.add(up(x, "up_conv3.0"), f0);
    x = b_.relu(conv(sft(x, c1, "SFT_layer2"), "HR_conv2", le_features));
    return b_.add(image, conv(x, "conv_last", 3));
  }

 private:
  ValueId conv(ValueId x, const std::string& layer, int features, int kernel = 3, int stride = 1) {
    Conv2d attributes;
    attributes.stride = {stride, stride};
    attributes.pad = Padding::same(kernel / 2);
    return b_.conv2d(x, prefix_ + layer, features, kernel, attributes);
  }
  ValueId lrelu(ValueId x) { return b_.leaky_relu(x, 0.1f); }

  // Three convolutions; those that halve the size are 3x3, the others 1x1.
  ValueId condition(ValueId x, const std::string& layer, std::array<int, 3> strides) {
    for (size_t i = 0; i < 3; ++i) {
      const bool last = i == 2;
      x = conv(x, fmt::format("{}.{}", layer, 2 * i), last ? le_sft : le_condition, strides[i] == 2 ? 3 : 1,
               strides[i]);
      if (!last) x = lrelu(x);
    }
    return x;
  }

  // Spatial feature transform: x * (scale + 1) + shift, both computed from the condition.
  ValueId sft(ValueId x, ValueId c, const std::string& layer) {
    auto branch = [&](const char* kind) {
      const ValueId hidden = lrelu(conv(c, fmt::format("{}.SFT_{}_conv0", layer, kind), le_sft, 1));
      return conv(hidden, fmt::format("{}.SFT_{}_conv1", layer, kind), le_features, 1);
    };
    const ValueId gain = b_.offset(branch("scale"), 1);
    return b_.add(b_.mul(x, gain), branch("shift"));
  }

  ValueId block(ValueId x, ValueId c, const std::string& layer) {
    ValueId y = b_.relu(conv(sft(x, c, layer + ".sft1"), layer + ".conv1", le_features));
    y = conv(sft(y, c, layer + ".sft2"), layer + ".conv2", le_features);
    return b_.add(y, x);
  }

  ValueId up(ValueId x, const std::string& layer) {
    return b_.relu(b_.pixel_shuffle(conv(x, layer, 4 * le_features), 2));
  }

  GraphBuilder& b_;
  const std::string prefix_;
};

// ---- the architecture: AGCM alone, LE alone, or both

bool has_agcm(const HyperParameters& hyper) { return hyper.at("agcm") != 0; }
bool has_le(const HyperParameters& hyper) { return hyper.at("le") != 0; }
bool is_ensemble(const HyperParameters& hyper) { return has_agcm(hyper) && has_le(hyper); }

Result<Graph> build(const HyperParameters& hyper, int batch, int height, int width) {
  GraphBuilder b;
  ValueId x = b.input("image", {batch, 3, height, width});
  if (has_agcm(hyper)) {
    const ValueId condition = b.input("condition", {batch, condition_features});
    x = agcm(b, x, condition, is_ensemble(hyper) ? "AGCM." : "");
  }
  if (has_le(hyper)) x = LocalEnhancement(b, is_ensemble(hyper) ? "LE." : "")(x);
  b.output(x, "image");
  return std::move(b).finish();
}

Result<Graph> build_frame_graph(const HyperParameters& hyper, int batch, int height, int width) {
  GraphBuilder b;
  const ValueId picture = b.input("picture", {batch, 3, height, width});
  b.output(condition_vector(b, picture, is_ensemble(hyper) ? "AGCM." : ""), "condition");
  return std::move(b).finish();
}

NetworkContract contract(const HyperParameters& hyper) {
  NetworkContract result = sdr_to_hdr_contract();
  result.alignment = has_le(hyper) ? 8 : 1;
  if (has_agcm(hyper)) result.frame_reduction = FrameReduction{.factor = condition_reduction};
  return result;
}

Result<HyperParameters> detect(const WeightFile& file) {
  bool agcm = false, le = false;
  for (const auto& [key, tensor] : file.tensors) {
    std::string_view rest = without_module_prefix(key);
    take_prefix(rest, "AGCM.");
    take_prefix(rest, "LE.");
    agcm = agcm || rest == "cond_scale_first.weight";
    le = le || rest == "cond_first.0.weight";
  }
  if (file.format == WeightFormat::ncnn || (!agcm && !le)) return not_this_architecture(file, name);
  return HyperParameters{{"agcm", agcm}, {"le", le}};
}

Result<Parameters> parameters(const WeightFile& file, const HyperParameters& hyper) {
  FL_TRY(const Graph graph, build(hyper, 1, 64, 64));
  if (!has_agcm(hyper)) return bind_state_dict(file, {&graph});
  FL_TRY(const Graph frame, build_frame_graph(hyper, 1, 64, 64));
  return bind_state_dict(file, {&graph, &frame});
}

}  // namespace

const Architecture hdrtvnet = {
    name, "HDRTVNet++: SDR video to HDR (PQ, BT.2020)", detect, parameters, contract, build, build_frame_graph};

}  // namespace framelift
