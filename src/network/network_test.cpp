#include "network/network.h"

#include <algorithm>
#include <limits>

#include "graph/analysis.h"
#include "network/expandnet.h"
#include "network/gainmap.h"
#include "network/hdrtvnet.h"
#include "network/ldr2hdr.h"
#include "network/rrdbnet.h"
#include "network/srvgg_compact.h"
#include "weights/files_for_test.h"
#include "weights/safetensors.h"

namespace framelift {
namespace {

using test::shared_weights;

// A file with every parameter of a graph, filled with `value`, under the names that `rename` gives.
template <class Rename>
WeightFile synthetic(const Architecture& architecture, const HyperParameters& hyper, Rename rename,
                     float value = 0.5f) {
  WeightFile file;
  file.path = "synthetic.pth";
  file.format = WeightFormat::pytorch;
  const auto graph = architecture.build(hyper, 1, 16, 16);
  EXPECT_TRUE(graph) << graph.error().message;
  for (const Value& parameter : graph->values) {
    if (parameter.kind == ValueKind::parameter)
      file.tensors.emplace_back(rename(parameter.name), Tensor::filled(parameter.shape, value));
  }
  return file;
}
const auto same_name = [](const std::string& name) { return name; };

HyperParameters rrdb(int blocks, int features, int growth, int upsamples, int unshuffle) {
  return {{"blocks", blocks},       {"features", features},   {"growth", growth},
          {"upsamples", upsamples}, {"unshuffle", unshuffle}, {"scale", (1 << upsamples) / unshuffle}};
}

WeightFile small_srvgg() { return synthetic(srvgg_compact, {{"features", 8}, {"convs", 2}, {"scale", 2}}, same_name); }
WeightFile small_rrdb() { return synthetic(rrdbnet, rrdb(2, 8, 4, 2, 1), same_name); }

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  if (const size_t at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

void expect_network(const WeightFile& file, const Architecture& architecture, const HyperParameters& hyper) {
  const auto network = make_network(file);
  ASSERT_WORKS(network);
  EXPECT_EQ(network->architecture, &architecture);
  EXPECT_EQ(network->hyper, hyper);
  EXPECT_EQ(network->contract.scale, hyper.at("scale"));
  EXPECT_EQ(network->parameters.size(), file.tensors.size());
  const int size = 4 * network->contract.alignment;
  const auto graph = network->build(2, size, 2 * size);
  ASSERT_WORKS(graph);
  EXPECT_EQ(graph->value(graph->inputs[0]).shape, (Shape{2, 3, size, 2 * size}));
  EXPECT_EQ(graph->value(graph->outputs[0]).shape,
            (Shape{2, 3, size * network->contract.scale, 2 * size * network->contract.scale}));
}

TEST(SrvggCompact, IsDetectedInEveryShape) {
  for (int scale : {1, 2, 3, 4, 8})
    for (int convs : {0, 1, 16}) {
      const HyperParameters hyper = {{"features", 12}, {"convs", convs}, {"scale", scale}};
      expect_network(synthetic(srvgg_compact, hyper, same_name), srvgg_compact, hyper);
    }
}

TEST(SrvggCompact, ParallelTrainingPrefixIsIgnored) {
  const HyperParameters hyper = {{"features", 8}, {"convs", 2}, {"scale", 2}};
  expect_network(synthetic(srvgg_compact, hyper, [](const std::string& n) { return "module." + n; }), srvgg_compact,
                 hyper);
}

TEST(Rrdbnet, IsDetectedAtEveryScale) {
  expect_network(small_rrdb(), rrdbnet, rrdb(2, 8, 4, 2, 1));
  expect_network(synthetic(rrdbnet, rrdb(1, 8, 4, 2, 2), same_name), rrdbnet, rrdb(1, 8, 4, 2, 2));  // x2
  expect_network(synthetic(rrdbnet, rrdb(1, 8, 4, 2, 4), same_name), rrdbnet, rrdb(1, 8, 4, 2, 4));  // x1
}

TEST(Rrdbnet, AlignmentIsTheUnshuffleFactor) {
  const auto network = make_network(synthetic(rrdbnet, rrdb(1, 8, 4, 2, 2), same_name));
  ASSERT_WORKS(network);
  EXPECT_EQ(network->contract.alignment, 2);
}

TEST(Rrdbnet, TrunkStyleKeysAreUnderstood) {
  const auto rename = [](std::string name) {
    name = replaced(name, "body.", name.starts_with("conv_body") ? "body." : "RRDB_trunk.");
    name = replaced(replaced(name, ".rdb", ".RDB"), "conv_body", "trunk_conv");
    return replaced(replaced(name, "conv_up", "upconv"), "conv_hr", "HRconv");
  };
  const WeightFile file = synthetic(rrdbnet, rrdb(3, 8, 4, 2, 1), rename);
  EXPECT_NE(file.find("RRDB_trunk.2.RDB3.conv5.bias"), nullptr);
  EXPECT_NE(file.find("trunk_conv.weight"), nullptr);
  expect_network(file, rrdbnet, rrdb(3, 8, 4, 2, 1));
}

TEST(Rrdbnet, FirstReleaseKeysAreUnderstoodAtEveryScale) {
  for (int upsamples : {0, 1, 2, 3}) {
    // model.0, model.1.sub.*, upsampling at 3, 6, ..., then two more, each behind an activation.
    const auto rename = [&](const std::string& name) {
      if (name.starts_with("body.")) {
        const size_t suffix = name.rfind('.');
        return replaced("model.1.sub." + name.substr(5, suffix - 5) + ".0" + name.substr(suffix), ".rdb", ".RDB");
      }
      std::string result = replaced(replaced(name, "conv_first", "model.0"), "conv_body", "model.1.sub.2");
      for (int i = 1; i <= upsamples; ++i)
        result = replaced(result, fmt::format("conv_up{}", i), fmt::format("model.{}", 3 * i));
      result = replaced(result, "conv_hr", fmt::format("model.{}", 3 * upsamples + 2));
      return replaced(result, "conv_last", fmt::format("model.{}", 3 * upsamples + 4));
    };
    const WeightFile file = synthetic(rrdbnet, rrdb(2, 8, 4, upsamples, 1), rename);
    EXPECT_NE(file.find("model.1.sub.1.RDB3.conv5.0.weight"), nullptr);
    EXPECT_NE(file.find("model.1.sub.2.bias"), nullptr);
    expect_network(file, rrdbnet, rrdb(2, 8, 4, upsamples, 1));
  }
}

TEST(Network, RefusesOtherNetworks) {
  WeightFile file;
  file.path = "resnet.pth";
  file.tensors.emplace_back("layer1.0.conv1.weight", Tensor::filled({64, 64, 3, 3}, 0));
  EXPECT_FAILS_WITH(
      make_network(file),
      "resnet.pth: holds no network framelift knows (srvgg-compact, rrdbnet, hdrtvnet++, hdrtvnet++-hg, ldr2hdr, "
      "expandnet, gainmap, deeplabv3plus, file-graph, onnx)");
  WeightFile empty;
  empty.path = "empty.safetensors";
  EXPECT_FAILS_WITH(make_network(empty), "its first tensor is missing");
}

TEST(Network, RefusesDamagedTensors) {
  auto nan = small_srvgg();
  nan.tensors[2].second.f32()[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FAILS_WITH(make_network(nan), "tensor " + nan.tensors[2].first + " contains NaN or infinity");
  auto infinite = small_rrdb();
  infinite.tensors.back().second.f32()[0] = std::numeric_limits<float>::infinity();
  EXPECT_FAILS_WITH(make_network(infinite), "tensor conv_last.bias contains NaN or infinity");
  auto shape = small_rrdb();
  shape.tensors[4].second = Tensor::filled({4, 12, 5, 5}, 0);
  EXPECT_FAILS_WITH(make_network(shape), "body.0.rdb1.conv2.weight has shape [4, 12, 5, 5], expected [4, 12, 3, 3]");
  auto integers = small_srvgg();
  integers.tensors[0].second = Tensor(DType::i8, integers.tensors[0].second.shape());
  EXPECT_FAILS_WITH(make_network(integers), "weight_scale is missing");
}

TEST(Network, RefusesMissingAndExtraTensors) {
  auto missing = small_rrdb();
  missing.tensors.erase(missing.tensors.begin() + 7);
  EXPECT_FAILS_WITH(make_network(missing), "tensor body.0.rdb1.conv3.bias is missing");
  auto extra = small_srvgg();
  extra.tensors.emplace_back("attention.weight", Tensor::filled({1}, 0));
  EXPECT_FAILS_WITH(make_network(extra), "tensor attention.weight does not belong to this network");
  auto twice = small_srvgg();
  twice.tensors.emplace_back("module.body.0.weight", Tensor::filled({8, 3, 3, 3}, 0));
  EXPECT_FAILS_WITH(make_network(twice), "mean the same weights");
}

TEST(Network, RefusesAbsurdSizesBeforeBuilding) {
  auto blocks = small_rrdb();
  blocks.tensors.emplace_back("body.2000000000.rdb1.conv1.weight", Tensor::filled({1}, 0));
  EXPECT_FAILS_WITH(make_network(blocks), "2000000001 blocks, supported are 1 to 256");
  auto convs = small_srvgg();
  convs.tensors.emplace_back("body.2147483646.weight", Tensor::filled({1, 1, 1, 1}, 0));
  EXPECT_FAILS_WITH(make_network(convs), "convolutions, supported are");
  auto gray = small_srvgg();
  gray.tensors[0].second = Tensor::filled({8, 1, 3, 3}, 0);
  EXPECT_FAILS_WITH(make_network(gray), "1 input channels");
}

TEST(Network, InterpolationMixesTensorByTensor) {
  const HyperParameters hyper = {{"features", 8}, {"convs", 2}, {"scale", 2}};
  auto a = make_network(synthetic(srvgg_compact, hyper, same_name, 1.0f));
  auto b = make_network(synthetic(srvgg_compact, hyper, same_name, 3.0f));
  ASSERT_WORKS(a);
  ASSERT_WORKS(b);
  auto mixed = interpolate(*a, *b, 0.25f);
  ASSERT_WORKS(mixed);
  for (const auto& [name, tensor] : mixed->parameters) EXPECT_EQ(tensor.f32()[0], 2.5f) << name;
  EXPECT_EQ(interpolate(*a, *b, 1.0f)->parameters.at("body.0.weight").f32()[0], 1.0f);
  EXPECT_EQ(interpolate(*a, *b, 0.0f)->parameters.at("body.0.weight").f32()[0], 3.0f);
  EXPECT_FAILS_WITH(interpolate(*a, *b, 1.5f), "outside of 0 to 1");
  EXPECT_FAILS_WITH(interpolate(*a, *b, std::numeric_limits<float>::quiet_NaN()), "outside of 0 to 1");
  auto other = make_network(small_rrdb());
  ASSERT_WORKS(other);
  EXPECT_FAILS_WITH(interpolate(*a, *other, 0.5f), "different networks");
}

TEST(Network, OwnMetadataMustAgreeWithTheTensors) {
  auto file = small_srvgg();
  file.format = WeightFormat::safetensors;
  file.metadata = {{"framelift.format", "1"}, {"framelift.architecture", "srvgg-compact"}, {"framelift.name", "mine"}};
  const auto network = make_network(file);
  ASSERT_WORKS(network);
  EXPECT_EQ(network->name, "mine");
  file.metadata["framelift.architecture"] = "rrdbnet";
  EXPECT_FAILS_WITH(make_network(file), "says it is rrdbnet");
  file.metadata["framelift.format"] = "2";
  EXPECT_FAILS_WITH(make_network(file), "newer framelift");
}

TEST(NcnnNetwork, RefusesGraphsThatDoSomethingElse) {
  // The same weights under a graph that shrinks its result: the animevideov3-x2 file of other tools.
  WeightFile file;
  file.path = "x2.bin";
  file.format = WeightFormat::ncnn;
  const auto add = [&](const char* name, Shape shape) { file.tensors.emplace_back(name, Tensor::filled(shape, 0)); };
  add("c0.weight", {8, 3, 3, 3});
  add("c0.bias", {8});
  add("p0.slope", {8});
  add("c1.weight", {12, 8, 3, 3});
  add("c1.bias", {12});
  file.metadata = {{"layer.c0", "Convolution 0=8 1=3 4=1 5=1 6=216"},
                   {"layer.p0", "PReLU 0=8"},
                   {"layer.c1", "Convolution 0=12 1=3 4=1 5=1 6=864"},
                   {"layer.shuffle", "PixelShuffle 0=2"},
                   {"layer.up", "Interp 0=1 1=2.0 2=2.0"},
                   {"layer.add", "BinaryOp"}};
  ASSERT_WORKS(make_network(file));
  const auto with = [&](const char* layer, const char* text) {
    WeightFile changed;
    changed.path = file.path;
    changed.format = file.format;
    changed.metadata = file.metadata;
    for (const auto& [name, tensor] : file.tensors) changed.tensors.emplace_back(name, tensor.clone());
    changed.metadata[layer] = text;
    return make_network(changed);
  };
  EXPECT_FAILS_WITH(with("layer.down", "Interp 0=3 1=0.5 2=0.5"), "resizes the result");
  EXPECT_FAILS_WITH(with("layer.c0", "Convolution 0=8 1=3 3=2 4=1 5=1"), "has a stride");
  EXPECT_FAILS_WITH(with("layer.c0", "Convolution 0=8 1=3 2=2 4=1 5=1"), "is dilated");
  EXPECT_FAILS_WITH(with("layer.c0", "Convolution 0=8 1=3 4=0 5=1"), "is not padded");
  EXPECT_FAILS_WITH(with("layer.c0", "Convolution 0=8 1=3 4=1 5=1 9=1"), "another activation");
  EXPECT_FAILS_WITH(with("layer.act", "Sigmoid"), "does not occur");
}

// ---- 8-bit pictures to linear light

WeightFile small_ldr2hdr() {
  WeightFile file =
      synthetic(ldr2hdr, {{"base", 4}, {"blocks", 3}, {"dilation", 2}, {"scale_hdr_milli", 4000}}, same_name);
  file.tensors.emplace_back("bottleneck.0.bn1.num_batches_tracked", Tensor(DType::i64, {}));
  return file;
}

TEST(Ldr2Hdr, ReadsItsShapeOffTheTensors) {
  const auto network = make_network(small_ldr2hdr());
  ASSERT_WORKS(network);
  EXPECT_EQ(network->architecture, &ldr2hdr);
  EXPECT_EQ(network->hyper, (HyperParameters{{"base", 4}, {"blocks", 3}, {"dilation", 2}, {"scale_hdr_milli", 4000}}));
  EXPECT_EQ(network->contract.output_gain, 4);
  EXPECT_EQ(network->contract.input_color->transfer, TransferCharacteristic::linear);
  EXPECT_EQ(network->contract.output_color->transfer, TransferCharacteristic::linear);
}

TEST(Ldr2Hdr, BelievesWhatTheFileStates) {
  WeightFile checkpoint = small_ldr2hdr();
  checkpoint.metadata["meta.scale_hdr"] = "2.5";
  checkpoint.metadata["meta.dilation"] = "3";
  auto network = make_network(checkpoint);
  ASSERT_WORKS(network);
  EXPECT_EQ(network->contract.output_gain, 2.5f);
  EXPECT_EQ(network->hyper.at("dilation"), 3);
  WeightFile own = small_ldr2hdr();
  own.metadata["framelift.hyper"] = R"({"scale_hdr_milli": 8000, "dilation": 4})";
  network = make_network(own);
  ASSERT_WORKS(network);
  EXPECT_EQ(network->contract.output_gain, 8);
  EXPECT_EQ(network->hyper.at("dilation"), 4);
  for (const char* nonsense : {"", "nan", "x"}) {
    checkpoint.metadata["meta.scale_hdr"] = nonsense;
    network = make_network(checkpoint);
    ASSERT_WORKS(network);
    EXPECT_EQ(network->contract.output_gain, 4) << nonsense;
  }
}

TEST(Ldr2Hdr, RefusesWhatCannotBe) {
  WeightFile file = small_ldr2hdr();
  for (const char* scale : {"0", "-4", "1e30"}) {
    file.metadata["meta.scale_hdr"] = scale;
    EXPECT_FAILS_WITH(make_network(file), "scale_hdr");
  }
  file.metadata.clear();
  file.metadata["framelift.hyper"] = R"({"dilation": 100000})";
  EXPECT_FAILS_WITH(make_network(file), "dilation");
  file.metadata["framelift.hyper"] = R"(["hostile)";
  ASSERT_WORKS(make_network(file));
  file.tensors.emplace_back("bottleneck.100000000.conv1.weight", Tensor::filled({1}, 1));
  EXPECT_FAILS_WITH(make_network(file), "residual blocks");
}

TEST(Gainmap, ReadsItsFeaturesAndItsScale) {
  WeightFile file = synthetic(gainmap, {{"features", 4}, {"scale_hdr_milli", 4000}}, same_name);
  file.metadata["framelift.hyper"] = R"({"features": 4, "scale_hdr_milli": 50})";
  const auto network = make_network(file);
  ASSERT_WORKS(network);
  EXPECT_EQ(network->architecture, &gainmap);
  EXPECT_EQ(network->hyper, (HyperParameters{{"features", 4}, {"scale_hdr_milli", 50}}));
  EXPECT_EQ(network->contract.output_gain, 0.05f);
  EXPECT_TRUE(is_linear(network->contract.output_color));
  file.metadata["framelift.hyper"] = R"({"scale_hdr_milli": 0})";
  EXPECT_FAILS_WITH(make_network(file), "scale_hdr");
  file.tensors[0].second = Tensor::filled({2000, 3, 3, 3}, 1);
  file.metadata.clear();
  EXPECT_FAILS_WITH(make_network(file), "features");
}

TEST(ExpandNet, SeesTheWholePictureAtAFixedSize) {
  const NetworkContract contract = expandnet.contract({});
  ASSERT_TRUE(contract.frame_reduction);
  EXPECT_EQ(contract.frame_reduction->edge, 256);
  EXPECT_EQ(contract.frame_reduction->factor, 0);
  const auto frame = expandnet.build_frame_graph({}, 1, 256, 256);
  ASSERT_WORKS(frame);
  EXPECT_EQ(frame->value(frame->outputs[0]).shape, (Shape{1, 64, 1, 1}));
  const auto graph = expandnet.build({}, 1, 40, 56);
  ASSERT_WORKS(graph);
  // The vector adds nothing to what a tile must carry: dilation 2 four times.
  const Halo halo = receptive_field(*graph, 1);
  EXPECT_FALSE(halo.global);
  EXPECT_EQ(halo.before_x, 8);
  EXPECT_EQ(halo.after_y, 8);
}

struct RealNetwork {
  const char* file;
  const Architecture* architecture;
  HyperParameters hyper;
  int64_t parameters;
};

void PrintTo(const RealNetwork& network, std::ostream* out) { *out << network.file; }

class RealNetworks : public testing::TestWithParam<RealNetwork> {};

TEST_P(RealNetworks, AreDetected) {
  SKIP_WITHOUT_SHARED_WEIGHTS();
  const auto network = load_network(shared_weights() / GetParam().file);
  ASSERT_WORKS(network);
  EXPECT_EQ(network->architecture, GetParam().architecture);
  EXPECT_EQ(network->hyper, GetParam().hyper);
  EXPECT_EQ(network->parameter_count(), GetParam().parameters);
}

const RealNetwork real_networks[] = {
    {"realesrgan/RealESRGAN_General_x4_v3.bin",
     &srvgg_compact,
     {{"features", 64}, {"convs", 32}, {"scale", 4}},
     1'213'296},
    {"realesrgan/RealESRGAN_General_WDN_x4_v3.bin",
     &srvgg_compact,
     {{"features", 64}, {"convs", 32}, {"scale", 4}},
     1'213'296},
    {"realesrgan/realesr-animevideov3-x4.param",
     &srvgg_compact,
     {{"features", 64}, {"convs", 16}, {"scale", 4}},
     621'424},
    {"realesrgan/realesrgan-x4plus-anime.bin", &rrdbnet, rrdb(6, 64, 32, 2, 1), 4'467'779},
    {"hdrtvnetpp/AGCM.pth", &hdrtvnet, {{"agcm", 1}, {"le", 0}}, 35'251},
    {"hdrtvnetpp/LE.pth", &hdrtvnet, {{"agcm", 0}, {"le", 1}}, 555'907},
    {"hdrtvnetpp/Ensemble_AGCM_LE.pth", &hdrtvnet, {{"agcm", 1}, {"le", 1}}, 591'158},
    {"hdrtvnetpp/HR.pth", &hdrtvnet, {{"agcm", 1}, {"le", 1}}, 591'158},
    {"expandnet/expandnet_weights_legacy.pth", &expandnet, {}, 456'899},
};

INSTANTIATE_TEST_SUITE_P(All, RealNetworks, testing::ValuesIn(real_networks), [](const auto& test) {
  std::string name = std::filesystem::path(test.param.file).stem().string();
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(RealNetworks, WeightsOfOtherNetworksAreRefused) {
  SKIP_WITHOUT_SHARED_WEIGHTS();
  EXPECT_FAILS_WITH(load_network(shared_weights() / "segmentation/selfie_segmentation.safetensors"),
                    "holds no network framelift knows");
}

}  // namespace
}  // namespace framelift
