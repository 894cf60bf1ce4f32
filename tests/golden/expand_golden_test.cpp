// The networks that make linear light from 8-bit pictures, against independent PyTorch code.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "preprocess/reduce.h"
#include "tests/formula_weights.h"
#include "tests/support.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double f32_tolerance = 1e-5;  // the contract, as in golden_test.cpp

int edge(const Tensor& tensor, int axis) { return static_cast<int>(tensor.shape()[axis]); }

// What the frame graph is given of a picture.
Tensor reduced(const Tensor& picture, const FrameReduction& reduction) {
  Reducer reducer =
      Reducer::to_size(edge(picture, 2), edge(picture, 3), reduction.edge, reduction.edge, Reduction::bilinear);
  Tensor out(DType::f32, {1, 3, reducer.target_height(), reducer.target_width()});
  Tensor copy = picture.clone();
  reducer.run(copy.view(), out.view());
  return out;
}

// The whole network on one picture, frame graph included.
Result<Tensor> run_whole(const Architecture& architecture, const HyperParameters& hyper,
                         const NetworkContract& contract, const Parameters& parameters, const Tensor& picture,
                         Backend& backend) {
  CompileOptions options;
  options.precision = Precision::f32;
  FL_TRY(const Graph graph, architecture.build(hyper, 1, edge(picture, 2), edge(picture, 3)));
  std::vector<const Tensor*> inputs{&picture};
  Tensor vector;
  if (contract.frame_reduction) {
    const Tensor small = reduced(picture, *contract.frame_reduction);
    FL_TRY(const Graph frame_graph, architecture.build_frame_graph(hyper, 1, edge(small, 2), edge(small, 3)));
    const Tensor* const frame_inputs[] = {&small};
    FL_TRY(vector, run_graph(backend, frame_graph, parameters, frame_inputs, options));
    inputs.push_back(&vector);
  }
  return run_graph(backend, graph, parameters, inputs, options);
}

void expect_golden(const Architecture& architecture, const HyperParameters& hyper, const NetworkContract& contract,
                   const Parameters& parameters, const Tensor& input, const Tensor& expected) {
  for (Backend* backend : exact_backends()) {
    const auto output = run_whole(architecture, hyper, contract, parameters, input, *backend);
    ASSERT_TRUE(output) << backend->name() << ": " << output.error().message;
    ASSERT_EQ(output->elements(), expected.elements());
    const double difference = largest_difference(output->f32(), expected.f32());
    EXPECT_LE(difference, f32_tolerance) << backend->name();
    std::printf("%-10s %-9s f32   max difference %.2e\n", architecture.name, backend->name(), difference);
  }
}

// ---- formula weights

std::vector<json> cases() {
  std::ifstream file("tests/golden/manifest.json");
  return json::parse(file).at("expand").get<std::vector<json>>();
}

class ExpandGolden : public testing::TestWithParam<json> {};

TEST_P(ExpandGolden, EveryBackend) {
  const json& c = GetParam();
  const auto found = std::ranges::find(architectures(), c.at("architecture").get<std::string>(), &Architecture::name);
  ASSERT_NE(found, architectures().end());
  const Architecture& architecture = **found;
  auto hyper = c.at("hyper").get<std::map<std::string, int, std::less<>>>();
  hyper["scale_hdr_milli"] = 4000;
  const NetworkContract contract = architecture.contract(hyper);
  const auto golden = read_weights(fs::path("tests/golden") / c.at("golden").get<std::string>());
  ASSERT_TRUE(golden) << golden.error().message;
  const Tensor &input = *golden->find("input"), &expected = *golden->find("output");

  Parameters parameters;
  add_formula_weights(architecture.build(hyper, 1, 16, 16).value(), parameters);
  if (contract.frame_reduction)
    add_formula_weights(
        architecture.build_frame_graph(hyper, 1, contract.frame_reduction->edge, contract.frame_reduction->edge)
            .value(),
        parameters);
  int64_t learnt = 0;
  for (const auto& [name, tensor] : parameters)
    if (name.find(".running_") == std::string::npos) learnt += tensor.elements();
  EXPECT_EQ(learnt, c.at("parameters").get<int64_t>());
  expect_golden(architecture, hyper, contract, parameters, input, expected);
}

INSTANTIATE_TEST_SUITE_P(Synthetic, ExpandGolden, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.at("case").template get<std::string>(); });

// Whatever the weights, and whatever the targets were divided by.
TEST(Gainmap, LeavesWhatIsNotClippedAndDarkensNothing) {
  const auto found = std::ranges::find(architectures(), std::string_view("gainmap"), &Architecture::name);
  ASSERT_NE(found, architectures().end());
  const HyperParameters hyper{{"features", 2}, {"scale_hdr_milli", 50}};
  const Graph graph = (*found)->build(hyper, 1, 16, 16).value();
  Parameters parameters;
  add_formula_weights(graph, parameters);
  Tensor light(DType::f32, {1, 3, 16, 16});
  for (size_t i = 0; i < light.f32().size(); ++i) light.f32()[i] = static_cast<float>(i) / 767;
  const Tensor* const inputs[] = {&light};
  for (Backend* backend : exact_backends()) {
    const auto output = run_graph(*backend, graph, parameters, inputs, {});
    ASSERT_TRUE(output) << output.error().message;
    const float scale = (*found)->contract(hyper).output_gain;
    // Dividing by the scale and multiplying again rounds.
    for (size_t i = 0; i < light.f32().size(); ++i) {
      const float before = light.f32()[i], after = output->f32()[i] * scale;
      if (before < 0.8f)
        ASSERT_NEAR(after, before, 1e-6f) << backend->name();
      else
        ASSERT_GE(after, before - 1e-6f) << backend->name();
    }
    EXPECT_GT(output->f32().back() * scale, 1.05f) << backend->name();
  }
}

// ---- weight files in the layouts that the networks' own programs write

Tensor golden_of(const WeightFile& goldens, const char* key) {
  const Tensor& stored = *goldens.find(key);
  return stored.clone().reshaped({1, stored.shape()[0], stored.shape()[1], stored.shape()[2]});
}

TEST(ExpandAssets, Ldr2HdrFromATrainingCheckpoint) {
  FL_SHARED_OR_SKIP(assets);
  // The state dict under `model_state`, settings under `meta`, and the counters of batch normalisation.
  const auto file = read_weights(assets / "golden/hdrnet_base8_synthetic.pt");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->tensors.size(), 124u);
  EXPECT_TRUE(file->find("bottleneck.7.bn2.num_batches_tracked"));
  EXPECT_EQ(file->metadata.at("meta.scale_hdr"), "4");
  EXPECT_EQ(file->metadata.at("epoch"), "0");
  const auto network = make_network(*file);
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_STREQ(network->architecture->name, "ldr2hdr");
  EXPECT_EQ(network->hyper, (HyperParameters{{"base", 8}, {"blocks", 8}, {"dilation", 2}, {"scale_hdr_milli", 4000}}));
  EXPECT_EQ(network->contract.output_gain, 4);
  const auto goldens = read_weights(assets / "golden/others.safetensors");
  ASSERT_TRUE(goldens) << goldens.error().message;
  expect_golden(*network->architecture, network->hyper, network->contract, network->parameters,
                golden_of(*goldens, "hdrnet8.in_linear"), golden_of(*goldens, "hdrnet8.out"));
}

TEST(ExpandAssets, ExpandNetWithThePublishedWeights) {
  FL_SHARED_OR_SKIP(assets);
  const auto network = load_network(assets / "weights/expandnet/expandnet_weights_legacy.pth");
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_EQ(network->parameter_count(), 456'899);
  const auto goldens = read_weights(assets / "golden/others.safetensors");
  ASSERT_TRUE(goldens) << goldens.error().message;
  const Tensor& codes = *goldens->find("expandnet.in_u8");
  const int64_t height = codes.shape()[0], width = codes.shape()[1];
  Tensor picture(DType::f32, {1, 3, height, width});
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; i < height * width; ++i)
      picture.f32()[static_cast<size_t>(c * height * width + i)] =
          static_cast<float>(codes.as<uint8_t>()[i * 3 + c]) / 255.0f;
  expect_golden(*network->architecture, network->hyper, network->contract, network->parameters, picture,
                golden_of(*goldens, "expandnet.out"));
}

}  // namespace
}  // namespace framelift
