// Ops and networks against what an independent PyTorch implementation computed (tools/make_goldens.py, and the
// published weights' goldens where the folder of real assets is at hand).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "graph/evaluate.h"
#include "tests/formula_weights.h"
#include "tests/support.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path golden_folder = "tests/golden";

// The contract: every f32 engine within 1e-5 of PyTorch. Outputs are of unit size; PyTorch itself moves by some 1e-6
// between its own kernels.
constexpr double f32_tolerance = 1e-5;

WeightFile read_or_die(const fs::path& path) {
  auto file = read_weights(path);
  if (!file) throw std::runtime_error(file.error().message);
  return std::move(*file);
}

// ---- single ops

const WeightFile& op_goldens() {
  static const WeightFile file = read_or_die(golden_folder / "ops.golden.safetensors");
  return file;
}

std::vector<std::string> op_golden_names() {
  std::vector<std::string> names;
  for (const auto& [name, attributes] : op_goldens().metadata) names.push_back(name);
  return names;
}

Op parse_op(const json& a) {
  const std::string op = a.at("op");
  if (op == "conv2d") {
    Conv2d c;
    c.stride = a.at("stride");
    c.dilation = a.at("dilation");
    c.groups = a.at("groups");
    const std::array<int, 4> pad = a.at("pad");
    c.pad = {pad[0], pad[1], pad[2], pad[3]};
    return c;
  }
  if (op == "prelu") return PRelu{};
  if (op == "leaky_relu") return LeakyRelu{a.at("slope")};
  if (op == "relu") return Relu{};
  if (op == "clamp") return Clamp{a.at("low"), a.at("high")};
  if (op == "add") return Add{};
  if (op == "mul") return Mul{};
  if (op == "concat") return Concat{a.at("axis")};
  if (op == "pixel_shuffle") return PixelShuffle{a.at("factor")};
  if (op == "pixel_unshuffle") return PixelUnshuffle{a.at("factor")};
  if (op == "resize")
    return Resize{a.at("mode") == "nearest" ? ResizeMode::nearest : ResizeMode::bilinear, a.at("scale")[0],
                  a.at("scale")[1]};
  if (op == "resize_to") return ResizeTo{a.at("size")[0], a.at("size")[1], a.at("align_corners")};
  if (op == "hard_swish") return HardSwish{};
  if (op == "average_pool2d") return AveragePool2d{a.at("kernel"), a.at("stride"), a.at("pad")};
  if (op == "max_pool2d") return MaxPool2d{a.at("kernel"), a.at("stride"), a.value("pad", 0)};
  if (op == "global_average_pool") return GlobalAveragePool{};
  if (op == "instance_norm") return InstanceNorm{a.at("epsilon")};
  if (op == "batch_norm") return BatchNorm{a.at("epsilon")};
  if (op == "linear") return Linear{};
  if (op == "conv_transpose2d") {
    const std::array<int, 4> pad = a.at("pad");
    return ConvTranspose2d{a.at("stride"), {pad[0], pad[1], pad[2], pad[3]}};
  }
  if (op == "softplus") return Softplus{};
  if (op == "selu") return Selu{};
  if (op == "sigmoid") return Sigmoid{};
  if (op == "abs") return Abs{};
  if (op == "log1p") return Log1p{};
  if (op == "pow") return Pow{a.at("exponent")};
  if (op == "mean") return Mean{};
  if (op == "sub") return Sub{};
  if (op == "div") return Div{};
  if (op == "gelu") return Gelu{};
  if (op == "layer_norm") return LayerNorm{a.at("epsilon")};
  if (op == "matmul") return MatMul{};
  if (op == "permute") return Permute{a.at("order")};
  if (op == "crop") {
    const std::array<int, 4> edges = a.at("edges");
    return Crop{{edges[0], edges[1], edges[2], edges[3]}};
  }
  if (op == "repeat") return Repeat{a.at("rows"), a.at("columns")};
  throw std::runtime_error("golden of an unknown op: " + op);
}

class OpGolden : public testing::TestWithParam<std::string> {};

TEST_P(OpGolden, EveryBackend) {
  const json attributes = json::parse(op_goldens().metadata.at(GetParam()));
  const Tensor* expected = op_goldens().find(GetParam() + "/output");
  ASSERT_TRUE(expected);
  GraphBuilder builder;
  std::vector<ValueId> ids;
  Parameters parameters;
  const Tensor* picture = nullptr;
  for (int i = 0;; ++i) {
    const std::string name = GetParam() + "/input" + std::to_string(i);
    const Tensor* tensor = op_goldens().find(name);
    if (!tensor) break;
    if (i == 0) {
      picture = tensor;
      ids.push_back(builder.input("x", tensor->shape()));
    } else {
      ids.push_back(builder.parameter(name, tensor->shape()));
      parameters.emplace(name, tensor->clone());
    }
  }
  ASSERT_TRUE(picture);
  builder.output(builder.add_node(parse_op(attributes), ids), "y");
  auto graph = std::move(builder).finish();
  ASSERT_TRUE(graph) << graph.error().message;
  for (Backend* backend : exact_backends()) {
    CompileOptions options;
    options.precision = Precision::f32;
    const auto output = run_graph(*backend, *graph, parameters, std::span(&picture, 1), options);
    ASSERT_TRUE(output) << output.error().message;
    EXPECT_EQ(output->shape(), expected->shape());
    EXPECT_LE(largest_difference(output->f32(), expected->f32()), f32_tolerance) << backend->name();
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, OpGolden, testing::ValuesIn(op_golden_names()),
                         [](const auto& test) { return test.param; });

// ---- networks with synthetic weights

std::vector<json> network_cases() {
  std::ifstream file(golden_folder / "manifest.json");
  return json::parse(file).at("networks").get<std::vector<json>>();
}

class NetworkGolden : public testing::TestWithParam<json> {};

TEST_P(NetworkGolden, EveryBackend) {
  const json& c = GetParam();
  auto network = load_network(golden_folder / c.at("weights").get<std::string>());
  ASSERT_TRUE(network) << network.error().message;
  if (c.contains("weights_b")) {
    auto other = load_network(golden_folder / c.at("weights_b").get<std::string>());
    ASSERT_TRUE(other) << other.error().message;
    network = interpolate(*network, *other, c.at("strength"));
    ASSERT_TRUE(network) << network.error().message;
  }
  EXPECT_EQ(network->contract.scale, c.at("hyper").at("scale").get<int>());
  const WeightFile golden = read_or_die(golden_folder / c.at("golden").get<std::string>());
  const Tensor &input = *golden.find("input"), &expected = *golden.find("output");
  for (Backend* backend : exact_backends()) {
    CompileOptions options;
    options.precision = Precision::f32;
    auto output = run_network(*network, input, *backend, options);
    ASSERT_TRUE(output) << backend->name() << ": " << output.error().message;
    ASSERT_EQ(output->shape(), expected.shape());
    EXPECT_LE(largest_difference(output->f32(), expected.f32()), f32_tolerance) << backend->name();
  }
}

INSTANTIATE_TEST_SUITE_P(Synthetic, NetworkGolden, testing::ValuesIn(network_cases()),
                         [](const auto& test) { return test.param.at("case").template get<std::string>(); });

// ---- HDR networks, whose weights follow a formula instead of filling a file

class HdrNetworkGolden : public testing::TestWithParam<json> {};

TEST_P(HdrNetworkGolden, EveryBackend) {
  const json& c = GetParam();
  const auto found = std::ranges::find(architectures(), c.at("architecture").get<std::string>(), &Architecture::name);
  ASSERT_NE(found, architectures().end());
  const Architecture& architecture = **found;
  const HyperParameters hyper = c.at("hyper").get<std::map<std::string, int, std::less<>>>();
  const WeightFile golden = read_or_die(golden_folder / c.at("golden").get<std::string>());
  const Tensor &input = *golden.find("input"), &expected = *golden.find("output");
  const Tensor* picture = golden.find("picture");
  const auto edge = [](const Tensor& tensor, int axis) { return static_cast<int>(tensor.shape()[axis]); };

  const auto graph = architecture.build(hyper, 1, edge(input, 2), edge(input, 3));
  ASSERT_TRUE(graph) << graph.error().message;
  Network network;
  add_formula_weights(*graph, network.parameters);
  std::optional<Graph> frame_graph;
  if (picture) {
    frame_graph = architecture.build_frame_graph(hyper, 1, edge(*picture, 2), edge(*picture, 3)).value();
    add_formula_weights(*frame_graph, network.parameters);
  }
  int64_t learnt = 0;
  for (const auto& [name, tensor] : network.parameters)
    if (name.find(".running_") == std::string::npos) learnt += tensor.elements();
  EXPECT_EQ(learnt, c.at("parameters").get<int64_t>());

  for (Backend* backend : exact_backends()) {
    CompileOptions options;
    options.precision = Precision::f32;
    std::vector<const Tensor*> inputs{&input};
    Tensor vector;
    if (picture) {
      auto computed = run_graph(*backend, *frame_graph, network.parameters, std::span(&picture, 1), options);
      ASSERT_TRUE(computed) << computed.error().message;
      vector = std::move(*computed);
      inputs.push_back(&vector);
    }
    const auto output = run_graph(*backend, *graph, network.parameters, inputs, options);
    ASSERT_TRUE(output) << output.error().message;
    ASSERT_EQ(output->shape(), expected.shape());
    EXPECT_LE(largest_difference(output->f32(), expected.f32()), f32_tolerance) << backend->name();
  }
}

std::vector<json> hdr_cases() {
  std::ifstream file(golden_folder / "manifest.json");
  return json::parse(file).at("hdr").get<std::vector<json>>();
}

INSTANTIATE_TEST_SUITE_P(Synthetic, HdrNetworkGolden, testing::ValuesIn(hdr_cases()),
                         [](const auto& test) { return test.param.at("case").template get<std::string>(); });

TEST(Hallucination, HasThePublishedNumberOfParameters) {
  const auto found = std::ranges::find(architectures(), std::string_view("hdrtvnet++-hg"), &Architecture::name);
  const auto graph = (*found)->build({{"features", 64}}, 1, 32, 32);
  int64_t learnt = 0;
  for (const Value& value : graph->values)
    if (value.kind == ValueKind::parameter && value.name.find(".running_") == std::string::npos)
      learnt += value.shape.elements();
  EXPECT_EQ(learnt, 36'794'200);
}

// ---- networks with the published weights

struct RealCase {
  const char* golden;  // tensor in realesrgan.safetensors
  const char* weights;
  const char* weights_b = nullptr;  // blended half and half
};
void PrintTo(const RealCase& c, std::ostream* os) { *os << c.golden; }

class RealWeights : public testing::TestWithParam<RealCase> {};

TEST_P(RealWeights, EveryBackend) {
  FL_SHARED_OR_SKIP(assets);
  const RealCase& c = GetParam();
  fs::path weights = assets / "weights/realesrgan" / c.weights;
  if (!fs::exists(weights)) weights = fs::path("build/models") / c.weights;  // where `make test` pulls to
  if (!fs::exists(weights)) GTEST_SKIP() << weights << " is missing; `make test` fetches it";
  auto network = load_network(weights);
  ASSERT_TRUE(network) << network.error().message;
  if (c.weights_b) {
    auto other = load_network(assets / "weights/realesrgan" / c.weights_b);
    ASSERT_TRUE(other) << other.error().message;
    network = interpolate(*network, *other, 0.5f);
    ASSERT_TRUE(network);
  }
  const WeightFile goldens = read_or_die(assets / "golden/realesrgan.safetensors");
  const Tensor &input = *goldens.find("input_u8"), &expected = *goldens.find(c.golden);
  const int64_t height = input.shape()[0], width = input.shape()[1];
  Tensor picture(DType::f32, {1, 3, height, width});
  for (int64_t channel = 0; channel < 3; ++channel)
    for (int64_t i = 0; i < height * width; ++i)
      picture.f32()[static_cast<size_t>(channel * height * width + i)] =
          static_cast<float>(input.as<uint8_t>()[i * 3 + channel]) / 255.0f;

  for (Backend* backend : exact_backends()) {
    CompileOptions options;
    options.precision = Precision::f32;
    const auto output = run_network(*network, picture, *backend, options);
    ASSERT_TRUE(output) << backend->name() << ": " << output.error().message;
    const double difference = largest_difference(output->f32(), expected.f32());
    EXPECT_LE(difference, f32_tolerance) << backend->name();
    std::printf("%-28s %-9s f32   max difference %.2e\n", c.golden, backend->name(), difference);
    options.precision = Precision::bf16;
    if (auto rough = run_network(*network, picture, *backend, options)) {
      const double quality = psnr(rough->f32(), expected.f32());
      std::printf("%-28s %-9s bf16  PSNR %.1f dB\n", c.golden, backend->name(), quality);
      EXPECT_GT(quality, 45) << "bf16 keeps 8 bits of mantissa: far above what 8-bit video resolves, or it is broken";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Published, RealWeights,
                         testing::Values(RealCase{"general_x4v3.out", "RealESRGAN_General_x4_v3.param"},
                                         RealCase{"general_wdn_x4v3.out", "RealESRGAN_General_WDN_x4_v3.param"},
                                         RealCase{"general_x4v3_dni0.5.out", "RealESRGAN_General_x4_v3.param",
                                                  "RealESRGAN_General_WDN_x4_v3.param"},
                                         RealCase{"animevideov3_x4.out", "realesr-animevideov3-x4.param"},
                                         RealCase{"realesrgan-x4plus-anime.out", "realesrgan-x4plus-anime.param"},
                                         RealCase{"realesrgan-x4plus.out", "x4plus.safetensors"}),
                         [](const auto& test) {
                           std::string name = test.param.golden;
                           std::ranges::replace_if(
                               name, [](unsigned char ch) { return !std::isalnum(ch); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace framelift
